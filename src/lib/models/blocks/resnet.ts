// Deep residual networks (He et al. 2016) with timm's names, numbers and initialisation: the basic-block depths.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { kaimingFanOut, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';
import { convNorm } from './conv-norm';

export interface ResNetOptions {
  /** Basic blocks in each of the four stages: [2, 2, 2, 2] is ResNet-18, [3, 4, 6, 3] ResNet-34. */
  depths: readonly [number, number, number, number];
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth of the last block; it grows linearly from 0 at the first. */
  dropPath: number;
}

const WIDTHS = [64, 128, 256, 512];

export function buildResNet({ imageSize, classes }: BuildRequest, options: ResNetOptions): Graph {
  const builder = new GraphBuilder(imageSize);
  let x = convNorm(builder, builder.input, {
    conv: 'conv1',
    norm: 'bn1',
    filters: WIDTHS[0],
    kernel: 7,
    stride: 2,
    activation: 'relu',
    init: kaimingFanOut,
  });
  x = builder.maxPool(x, { kernel: 3, stride: 2, padding: 1 }, 'maxpool');
  const total = options.depths.reduce((sum, depth) => sum + depth, 0);
  let index = 0;
  options.depths.forEach((depth, stage) => {
    for (let block = 0; block < depth; block++, index++) {
      x = basicBlock(builder, x, {
        name: `layer${stage + 1}.${block}`,
        filters: WIDTHS[stage],
        stride: block === 0 && stage > 0 ? 2 : 1,
        dropPath: (options.dropPath * index) / (total - 1),
      });
    }
  });
  const features = builder.globalAvgPool(x, { name: 'global_pool' });
  const dropped = builder.dropout('drop', features, options.dropout);
  return builder.build(builder.linear('fc', dropped, { features: classes }), { features });
}

function basicBlock(
  builder: GraphBuilder,
  x: Value,
  { name, filters, stride, dropPath }: { name: string; filters: number; stride: number; dropPath: number },
): Value {
  const init = kaimingFanOut;
  const inner = convNorm(builder, x, {
    conv: `${name}.conv1`,
    norm: `${name}.bn1`,
    filters,
    kernel: 3,
    stride,
    activation: 'relu',
    init,
  });
  // timm's zero_init_last: the block starts as the identity.
  let branch = convNorm(builder, inner, {
    conv: `${name}.conv2`,
    norm: `${name}.bn2`,
    filters,
    kernel: 3,
    activation: 'none',
    init,
    normInit: zeros,
  });
  branch = builder.dropPath(`${name}.drop_path`, branch, dropPath);
  const fits = stride === 1 && x.shape[2] === filters;
  const shortcut = fits
    ? x
    : convNorm(builder, x, {
        conv: `${name}.downsample.0`,
        norm: `${name}.downsample.1`,
        filters,
        kernel: 1,
        stride,
        activation: 'none',
        init,
      });
  return builder.activation(builder.add(branch, shortcut, `${name}.add`), 'relu', { name: `${name}.act2` });
}
