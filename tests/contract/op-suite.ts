// The tests of every operation, to be declared for one backend. Node and the browser share it.

import { describe, test } from 'vitest';
import type { OpName } from '$lib/graph/types';
import { checkOperation } from './check-op';
import { OP_CASES } from './op-cases';
import type { OpCase } from './op-cases';

type Tested = Exclude<OpName, 'input'>;

function declare<Op extends Tested>(op: Op): void {
  const cases: readonly OpCase<Op>[] = OP_CASES[op];
  describe(op, () => {
    test.each(cases.map((opCase) => [opCase.title, opCase] as const))('%s', (_, opCase) => checkOperation(op, opCase));
  });
}

/** Call inside a describe that has started the backend. */
export function declareOperationTests(): void {
  for (const op of Object.keys(OP_CASES) as Tested[]) declare(op);
}
