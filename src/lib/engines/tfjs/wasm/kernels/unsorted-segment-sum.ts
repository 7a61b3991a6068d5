// UnsortedSegmentSum for wasm, which the gradient of gather needs and tfjs lacks.

import * as tf from '@tensorflow/tfjs-core';
import { floatsAt } from '../heap';
import { attributesAs } from '../../convolution-kernels';
import { type WasmKernel } from './definition';

export const unsortedSegmentSumKernel: WasmKernel = {
  name: tf.UnsortedSegmentSum,
  run: (context) => {
    const [x, segmentIds] = [context.input('x'), context.input('segmentIds')];
    const { numSegments } = attributesAs<tf.UnsortedSegmentSumAttrs>(context);
    const inner = x.shape.slice(segmentIds.shape.length);
    const width = tf.util.sizeFromShape(inner);
    const rows = tf.util.sizeFromShape(segmentIds.shape);
    const y = context.output([numSegments, ...inner]);
    const { memory } = context.native;
    const from = floatsAt(memory, context.address(x), rows * width);
    const to = floatsAt(memory, context.address(y), numSegments * width).fill(0);
    const ids = new Int32Array(memory.buffer, context.address(segmentIds), rows);
    for (let row = 0; row < rows; row++) {
      const segment = ids[row];
      // As TensorFlow: a negative id drops its row.
      if (segment < 0) continue;
      for (let i = 0; i < width; i++) to[segment * width + i] += from[row * width + i];
    }
    return y;
  },
};
