// Dropout of single values and of whole branches (stochastic depth). Both do nothing outside training.

import { defineOperation, shapeError } from '../operation';
import type { Shape } from '../../types';

function kept([x]: readonly Shape[], { rate }: { rate: number }): Shape {
  if (!(rate >= 0 && rate < 1)) throw shapeError(`a drop rate is at least 0 and below 1, found ${rate}.`);
  return x;
}

export const dropout = defineOperation<'dropout'>({ inputs: 1, shape: kept, flops: () => 0 });

export const dropPath = defineOperation<'drop_path'>({ inputs: 1, shape: kept, flops: () => 0 });
