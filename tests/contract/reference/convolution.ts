// Convolutions as sums over the window.

import { need } from './reference';
import type { Reference, ReferenceContext } from './reference';
import { at, eachIndex, generate, zeros } from './tensor';
import type { RefTensor } from './tensor';
import type { NodeOf } from '$lib/graph/types';

const biasOf = (context: ReferenceContext, channel: number): number => context.parameter('bias')?.data[channel] ?? 0;

/** Calls back with the input pixels under the window at (y, x) that are not padding, and the kernel tap over each. */
function eachTap(
  node: NodeOf<'conv2d'> | NodeOf<'depthwise_conv2d'>,
  x: RefTensor,
  row: number,
  column: number,
  visit: (y: number, x: number, ky: number, kx: number) => void,
): void {
  const { kernel, strides, padding, dilation } = node.attributes;
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      const iy = row * strides[0] + ky * dilation[0] - padding[0];
      const ix = column * strides[1] + kx * dilation[1] - padding[2];
      if (iy >= 0 && iy < x.shape[1] && ix >= 0 && ix < x.shape[2]) visit(iy, ix, ky, kx);
    }
  }
}

export const conv2d: Reference<'conv2d'> = (node, [x], context) => {
  const weight = need(context, 'weight');
  const { filters, groups } = node.attributes;
  const perGroup = x.shape[3] / groups;
  return generate([x.shape[0], ...node.shape], ([n, row, column, out]) => {
    const group = Math.floor(out / (filters / groups));
    let sum = biasOf(context, out);
    eachTap(node, x, row, column, (iy, ix, ky, kx) => {
      for (let c = 0; c < perGroup; c++) {
        const pixel = x.data[at(x.shape, n, iy, ix, group * perGroup + c)];
        sum += pixel * weight.data[at(weight.shape, ky, kx, c, out)];
      }
    });
    return sum;
  });
};

export const depthwiseConv2d: Reference<'depthwise_conv2d'> = (node, [x], context) => {
  const weight = need(context, 'weight');
  const { multiplier } = node.attributes;
  return generate([x.shape[0], ...node.shape], ([n, row, column, out]) => {
    const channel = Math.floor(out / multiplier);
    let sum = biasOf(context, out);
    eachTap(node, x, row, column, (iy, ix, ky, kx) => {
      sum += x.data[at(x.shape, n, iy, ix, channel)] * weight.data[at(weight.shape, ky, kx, channel, out % multiplier)];
    });
    return sum;
  });
};

/** Every input pixel adds a copy of the kernel to the output; padding cuts the rim off. */
export const convTranspose2d: Reference<'conv_transpose2d'> = (node, [x], context) => {
  const weight = need(context, 'weight');
  const { kernel, strides, padding, filters } = node.attributes;
  const y = zeros([x.shape[0], ...node.shape]);
  eachIndex(y.shape, (index, place) => (y.data[place] = biasOf(context, index[3])));
  eachIndex(x.shape, ([n, row, column, c], place) => {
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const oy = row * strides[0] + ky - padding[0];
        const ox = column * strides[1] + kx - padding[2];
        if (oy < 0 || oy >= node.shape[0] || ox < 0 || ox >= node.shape[1]) continue;
        for (let out = 0; out < filters; out++) {
          y.data[at(y.shape, n, oy, ox, out)] += x.data[place] * weight.data[at(weight.shape, ky, kx, out, c)];
        }
      }
    }
  });
  return y;
};

export const linear: Reference<'linear'> = (node, [x], context) => {
  const weight = need(context, 'weight');
  const features = weight.shape[0];
  return generate([x.shape[0], ...node.shape], (index) => {
    const out = index[index.length - 1];
    const row = at(x.shape.slice(0, -1), ...index.slice(0, -1));
    let sum = biasOf(context, out);
    for (let c = 0; c < features; c++) sum += x.data[row * features + c] * weight.data[at(weight.shape, c, out)];
    return sum;
  });
};

export const cosineLinear: Reference<'cosine_linear'> = (node, [x], context) => {
  const weight = need(context, 'weight');
  const [features] = weight.shape;
  return generate([x.shape[0], ...node.shape], (index) => {
    const out = index[index.length - 1];
    const row = at(x.shape.slice(0, -1), ...index.slice(0, -1));
    let [product, xSquare, wSquare] = [0, 0, 0];
    for (let c = 0; c < features; c++) {
      const [a, b] = [x.data[row * features + c], weight.data[at(weight.shape, c, out)]];
      product += a * b;
      xSquare += a * a;
      wSquare += b * b;
    }
    return (node.attributes.scale * product) / Math.sqrt(xSquare * wSquare);
  });
};
