// ConvNeXt (Liu et al. 2022) with timm's names, numbers and initialisation: the small widths whose perceptrons are 1 x 1 convolutions.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { narrowNormal, zeros } from '$lib/graph/initializers';
import { symmetricPadding } from '$lib/graph/padding';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';

export interface ConvNeXtOptions {
  /** Blocks and channels of the four stages. */
  depths: readonly [number, number, number, number];
  widths: readonly [number, number, number, number];
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth of the last block; it grows linearly from 0 at the first. */
  dropPath: number;
}

const MLP_RATIO = 4;
/** timm's LayerNorm2d, where PyTorch's own norm has 1e-5. */
const norm = { epsilon: 1e-6 };
const dense = { init: narrowNormal, biasInit: zeros };

export function buildConvNeXt({ imageSize, classes }: BuildRequest, options: ConvNeXtOptions): Graph {
  const { depths, widths } = options;
  const builder = new GraphBuilder(imageSize);
  let x = builder.conv2d('stem.0', builder.input, { filters: widths[0], kernel: 4, stride: 4, ...dense });
  x = builder.layerNorm('stem.1', x, norm);
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  let index = 0;
  depths.forEach((depth, stage) => {
    const name = `stages.${stage}`;
    if (stage > 0) {
      x = builder.layerNorm(`${name}.downsample.0`, x, norm);
      x = builder.conv2d(`${name}.downsample.1`, x, { filters: widths[stage], kernel: 2, stride: 2, ...dense });
    }
    for (let block = 0; block < depth; block++, index++) {
      const rate = (options.dropPath * index) / (total - 1);
      x = residualBlock(builder, x, `${name}.blocks.${block}`, rate);
    }
  });
  const pooled = builder.globalAvgPool(x, { name: 'head.global_pool' });
  const features = builder.layerNorm('head.norm', pooled, norm);
  const dropped = builder.dropout('head.drop', features, options.dropout);
  return builder.build(builder.linear('head.fc', dropped, { features: classes, ...dense }), { features });
}

/** Depthwise 7 x 7, norm, perceptron over the channels, and a learned scale that starts near zero. */
function residualBlock(builder: GraphBuilder, x: Value, name: string, dropPath: number): Value {
  const filters = x.shape[2];
  const gamma = builder.parameter(`${name}.gamma`, [filters], { kind: 'constant', value: 1e-6 });
  const spread = builder.depthwiseConv2d(`${name}.conv_dw`, x, { kernel: 7, padding: symmetricPadding(7), ...dense });
  const normed = builder.layerNorm(`${name}.norm`, spread, norm);
  const hidden = builder.conv2d(`${name}.mlp.fc1`, normed, { filters: MLP_RATIO * filters, kernel: 1, ...dense });
  const active = builder.activation(hidden, 'gelu', { name: `${name}.mlp.act` });
  const mixed = builder.conv2d(`${name}.mlp.fc2`, active, { filters, kernel: 1, ...dense });
  const scaled = builder.multiply(mixed, gamma, `${name}.scale`);
  return builder.add(builder.dropPath(`${name}.drop_path`, scaled, dropPath), x, `${name}.add`);
}
