// Pools. The TF.js converter knows no explicit padding for them, so that the image is padded first.

import type { GraphDefEmitter, GraphDefLowering } from '../graphdef-lowering';
import { NHWC, padImage, padded, spatial, string } from '../graphdef-lowering';
import type { OpAttributes, Pair } from '../../types';

/** The lowest float32: never wins, and unlike -infinity never makes NaN. */
const LOWEST = -3.4028234663852886e38;

type Window = OpAttributes['max_pool'];

function pool(emit: GraphDefEmitter, op: string, x: string, { kernel, strides }: Window): string {
  return emit.node(op, [x], { ksize: spatial(kernel), strides: spatial(strides), ...NHWC, padding: string('VALID') });
}

export const maxPool: GraphDefLowering<'max_pool'> = (node, [x], emit) => {
  const { padding } = node.attributes;
  const image = padded(padding) ? padImage(emit, x.name, padding, LOWEST) : x.name;
  return pool(emit, 'MaxPool', image, node.attributes);
};

export const avgPool: GraphDefLowering<'avg_pool'> = (node, [x], emit) => {
  const { padding, countIncludePad } = node.attributes;
  if (!padded(padding)) return pool(emit, 'AvgPool', x.name, node.attributes);
  const mean = pool(emit, 'AvgPool', padImage(emit, x.name, padding, 0), node.attributes);
  if (countIncludePad) return mean;
  // The mean over the window counts the zeros: multiplied by window / places inside the image it does not.
  const [height, width] = x.shape;
  const [rows, columns] = node.shape;
  return emit.node('Mul', [
    mean,
    emit.floats(correction([height, width], [rows, columns], node.attributes), [rows, columns, 1]),
  ]);
};

/** For every output place: kernel area / number of kernel places that lie inside the image. */
function correction(size: Pair, [rows, columns]: Pair, { kernel, strides, padding }: Window): number[] {
  const inside = (index: number, axis: 0 | 1): number => {
    const begin = index * strides[axis] - padding[2 * axis];
    return Math.min(begin + kernel[axis], size[axis]) - Math.max(begin, 0);
  };
  const area = kernel[0] * kernel[1];
  return Array.from({ length: rows * columns }, (_, place) => {
    return area / (inside(Math.floor(place / columns), 0) * inside(place % columns, 1));
  });
}
