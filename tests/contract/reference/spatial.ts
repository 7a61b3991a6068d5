// Pools, resizing and operations that only move values.

import type { Pair, Padding } from '$lib/graph/types';
import { need } from './reference';
import type { Reference } from './reference';
import { at, generate } from './tensor';
import type { RefTensor } from './tensor';

/** The values under a window that are not padding. */
function windowOf(
  x: RefTensor,
  { kernel, strides, padding }: { kernel: Pair; strides: Pair; padding: Padding },
  [n, row, column, c]: readonly number[],
): number[] {
  const values: number[] = [];
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      const y = row * strides[0] + ky - padding[0];
      const z = column * strides[1] + kx - padding[2];
      if (y >= 0 && y < x.shape[1] && z >= 0 && z < x.shape[2]) values.push(x.data[at(x.shape, n, y, z, c)]);
    }
  }
  return values;
}

export const maxPool: Reference<'max_pool'> = (node, [x]) =>
  generate([x.shape[0], ...node.shape], (index) => Math.max(...windowOf(x, node.attributes, index)));

export const avgPool: Reference<'avg_pool'> = (node, [x]) => {
  const { kernel, countIncludePad } = node.attributes;
  return generate([x.shape[0], ...node.shape], (index) => {
    const values = windowOf(x, node.attributes, index);
    return values.reduce((sum, value) => sum + value, 0) / (countIncludePad ? kernel[0] * kernel[1] : values.length);
  });
};

export const globalAvgPool: Reference<'global_avg_pool'> = (node, [x]) =>
  generate([x.shape[0], ...node.shape], (index) => {
    let sum = 0;
    for (let y = 0; y < x.shape[1]; y++) {
      for (let z = 0; z < x.shape[2]; z++) sum += x.data[at(x.shape, index[0], y, z, index[index.length - 1])];
    }
    return sum / (x.shape[1] * x.shape[2]);
  });

/** torch.nn.functional.interpolate, one axis: the two neighbours and the weight of the second. */
function sample(
  to: number,
  input: number,
  output: number,
  alignCorners: boolean,
): [low: number, high: number, t: number] {
  const scale = alignCorners ? (output > 1 ? (input - 1) / (output - 1) : 0) : input / output;
  const position = alignCorners ? to * scale : Math.max((to + 0.5) * scale - 0.5, 0);
  const low = Math.min(Math.floor(position), input - 1);
  return [low, Math.min(low + 1, input - 1), position - low];
}

export const resize: Reference<'resize'> = (node, [x]) => {
  const { size, method, alignCorners } = node.attributes;
  const [, height, width] = x.shape;
  return generate([x.shape[0], ...node.shape], ([n, row, column, c]) => {
    const pixel = (y: number, z: number): number => x.data[at(x.shape, n, y, z, c)];
    if (method === 'nearest')
      return pixel(Math.floor((row * height) / size[0]), Math.floor((column * width) / size[1]));
    const [top, bottom, v] = sample(row, height, size[0], alignCorners);
    const [left, right, h] = sample(column, width, size[1], alignCorners);
    const upper = pixel(top, left) * (1 - h) + pixel(top, right) * h;
    const lower = pixel(bottom, left) * (1 - h) + pixel(bottom, right) * h;
    return upper * (1 - v) + lower * v;
  });
};

export const pad: Reference<'pad'> = (node, [x]) => {
  const [top, , left] = node.attributes.padding;
  return generate([x.shape[0], ...node.shape], ([n, row, column, c]) => {
    const [y, z] = [row - top, column - left];
    return y >= 0 && y < x.shape[1] && z >= 0 && z < x.shape[2] ? x.data[at(x.shape, n, y, z, c)] : 0;
  });
};

export const reshape: Reference<'reshape'> = (node, [x]) => ({ shape: [x.shape[0], ...node.shape], data: x.data });

export const transpose: Reference<'transpose'> = (node, [x]) =>
  generate([x.shape[0], ...node.shape], ([n, ...index]) => {
    const source: number[] = [];
    node.attributes.order.forEach((axis, place) => (source[axis] = index[place]));
    return x.data[at(x.shape, n, ...source)];
  });

export const slice: Reference<'slice'> = (node, [x]) => {
  const axis = (node.attributes.axis + node.shape.length) % node.shape.length;
  return generate([x.shape[0], ...node.shape], ([n, ...index]) => {
    const source = index.map((one, place) => (place === axis ? one + node.attributes.begin : one));
    return x.data[at(x.shape, n, ...source)];
  });
};

export const concat: Reference<'concat'> = (node, inputs) => {
  const axis = (node.attributes.axis + node.shape.length) % node.shape.length;
  return generate([Math.max(...inputs.map(({ shape }) => shape[0])), ...node.shape], ([n, ...index]) => {
    let rest = index[axis];
    const source = inputs.find(({ shape }) => (rest < shape[axis + 1] ? true : ((rest -= shape[axis + 1]), false)));
    if (source === undefined) throw new Error('Past the end of every input.');
    const place = index.map((one, at) => (at === axis ? rest : one));
    return source.data[at(source.shape, source.shape[0] === 1 ? 0 : n, ...place)];
  });
};

export const parameter: Reference<'parameter'> = (node, _inputs, context) => ({
  shape: [1, ...node.shape],
  data: need(context, 'value').data,
});
