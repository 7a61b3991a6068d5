// See op.ts. The engine puts the batch in place of an input, so that there is nothing to compute.

import type { Forward } from '../forward';
import { internal } from '../shared/tfjs';

export const input: Forward<'input'> = (node) => {
  throw internal(node, 'was not given a batch');
};
