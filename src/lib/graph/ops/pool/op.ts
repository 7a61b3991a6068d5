// Maximum and average over a sliding window.

import { defineOperation, elements, imageInput, shapeError, windowSize } from '../operation';
import type { OpAttributes, Shape } from '../../types';

function pooled(inputs: readonly Shape[], attributes: OpAttributes['max_pool']): Shape {
  const [height, width, channels] = imageInput(inputs);
  const { kernel, padding } = attributes;
  // A window that lies wholly in the padding has no maximum; PyTorch refuses more than half the kernel too.
  if (Math.max(padding[0], padding[1]) >= kernel[0] || Math.max(padding[2], padding[3]) >= kernel[1]) {
    throw shapeError(`padding ${padding.join(', ')} must be smaller than the kernel ${kernel.join(' x ')}.`);
  }
  return [...windowSize([height, width], attributes), channels];
}

export const maxPool = defineOperation<'max_pool'>({
  inputs: 1,
  shape: pooled,
  flops: () => 0,
});

export const avgPool = defineOperation<'avg_pool'>({
  inputs: 1,
  shape: pooled,
  flops: (_inputs, { kernel }, output) => kernel[0] * kernel[1] * elements(output),
});
