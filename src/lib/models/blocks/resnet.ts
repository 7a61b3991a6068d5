// Deep residual networks (He et al. 2016) with timm's names, numbers and initialisation.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { kaimingFanOut, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';
import { convNorm } from './conv-norm';
import type { ConvNormOptions } from './conv-norm';

export interface ResNetOptions {
  /** 'basic': two 3 x 3 convolutions (ResNet-18 and -34); 'bottleneck': 1 x 1, 3 x 3, 1 x 1 to four times the width. */
  block: 'basic' | 'bottleneck';
  /** Blocks in each of the four stages: [2, 2, 2, 2] is ResNet-18, [3, 4, 6, 3] ResNet-34 and ResNet-50. */
  depths: readonly [number, number, number, number];
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth of the last block; it grows linearly from 0 at the first. */
  dropPath: number;
}

const WIDTHS = [64, 128, 256, 512];
const EXPANSION = 4;

interface BlockOptions {
  name: string;
  /** Channels of the 3 x 3 convolution. */
  filters: number;
  stride: number;
  dropPath: number;
}

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
  const addBlock = options.block === 'basic' ? basicBlock : bottleneck;
  const total = options.depths.reduce((sum, depth) => sum + depth, 0);
  let index = 0;
  options.depths.forEach((depth, stage) => {
    for (let block = 0; block < depth; block++, index++) {
      x = addBlock(builder, x, {
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

function basicBlock(builder: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { name, filters, stride } = options;
  const inner = unit(builder, x, name, 1, { filters, kernel: 3, stride, activation: 'relu' });
  const branch = unit(builder, inner, name, 2, { filters, kernel: 3, activation: 'none', normInit: zeros });
  return join(builder, x, branch, options, filters);
}

/** The stride is in the 3 x 3 convolution, as timm and torchvision have it; the paper put it in the first 1 x 1. */
function bottleneck(builder: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { name, filters, stride } = options;
  const narrow = unit(builder, x, name, 1, { filters, kernel: 1, activation: 'relu' });
  const inner = unit(builder, narrow, name, 2, { filters, kernel: 3, stride, activation: 'relu' });
  const wide = EXPANSION * filters;
  const branch = unit(builder, inner, name, 3, { filters: wide, kernel: 1, activation: 'none', normInit: zeros });
  return join(builder, x, branch, options, wide);
}

/**
 * The block's number-th convolution with its norm. The last one's norm starts with scale 0 (timm's zero_init_last), so that
 * the block starts as the identity.
 */
function unit(
  builder: GraphBuilder,
  x: Value,
  name: string,
  number: number,
  options: Pick<ConvNormOptions, 'filters' | 'kernel' | 'stride' | 'activation' | 'normInit'>,
): Value {
  const names = { conv: `${name}.conv${number}`, norm: `${name}.bn${number}` };
  return convNorm(builder, x, { ...names, ...options, init: kaimingFanOut });
}

/** Branch plus shortcut, which a 1 x 1 convolution fits to the branch's shape where it has another. */
function join(builder: GraphBuilder, x: Value, branch: Value, options: BlockOptions, filters: number): Value {
  const { name, stride, dropPath } = options;
  const kept = builder.dropPath(`${name}.drop_path`, branch, dropPath);
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
        init: kaimingFanOut,
      });
  return builder.activation(builder.add(kept, shortcut, `${name}.add`), 'relu', { name: `${name}.act` });
}
