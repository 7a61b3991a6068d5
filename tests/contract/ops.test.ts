// Every operation against plain loops, and its gradients against central differences, on the backends that Node has.

import { beforeAll, describe } from 'vitest';
import { nodeEngine } from './node-engine';
import { declareOperationTests } from './op-suite';

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await nodeEngine(backend);
  });
  declareOperationTests();
});
