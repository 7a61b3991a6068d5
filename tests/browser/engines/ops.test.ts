// Every operation against plain loops on the backends of the browser. WebGPU is software here: right, but slow.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { declareOperationTests } from '../../contract/op-suite';

describe.each(['webgpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await createBrowserEngine(backend);
    // tfjs would compute on the CPU what is as small as these tensors.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  });
  declareOperationTests();
});
