// A mobile classifier from a table of its stages: stem, blocks, head. timm's EfficientNet and MobileNetV3 classes are this with
// other heads. The families' tables are in the files named after them.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { efficientNetConv, efficientNetLinear, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';
import { roundChannels } from './channels';
import { layersOf, mobileBlock } from './mobile-blocks';
import type { Block, BlockStyle } from './mobile-blocks';

/** What comes between the last block and the classifier. */
export type Head =
  /** A 1 x 1 convolution with norm, then pooling (MobileNetV2, EfficientNet). */
  | { kind: 'convolution'; filters: number }
  /** Pooling, then a 1 x 1 convolution with a norm (MobileNetV4) or with a bias (V3). */
  | { kind: 'pooled'; filters: number; norm: boolean }
  /** Pooling (MobileNetV1). */
  | { kind: 'none' };

export interface MobileNetwork extends BlockStyle {
  /** Channels of the stem, before the width. */
  stem: number;
  /** Multiplies the channels of stem and blocks; not the head's. */
  width?: number;
  stages: readonly (readonly Block[])[];
  head: Head;
}

export interface Regularisation {
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth; grows linearly with the block's index towards this value. */
  dropPath: number;
}

export function buildMobileNetwork(
  { imageSize, classes }: BuildRequest,
  network: MobileNetwork,
  { dropout, dropPath }: Regularisation,
): Graph {
  const { width = 1 } = network;
  const builder = new GraphBuilder(imageSize);
  const layer = layersOf(builder, network);
  const stem = { conv: 'conv_stem', norm: 'bn1', filters: roundChannels(network.stem * width), kernel: 3, stride: 2 };
  let x = layer(builder.input, stem);
  const stages = network.stages.map((blocks) =>
    blocks.flatMap((block) => Array<Block>(block.repeats ?? 1).fill(block)),
  );
  const total = stages.flat().length;
  let index = 0;
  stages.forEach((blocks, stage) => {
    blocks.forEach((block, place) => {
      x = mobileBlock(
        builder,
        x,
        block,
        {
          name: `blocks.${stage}.${place}`,
          stride: place === 0 ? block.stride : 1,
          filters: roundChannels(block.filters * width),
          dropPath: (dropPath * index++) / total,
        },
        network,
      );
    });
  });
  const features = poolFeatures(builder, x, network);
  const dropped = builder.dropout('drop', features, dropout);
  const classifier = { features: classes, init: efficientNetLinear, biasInit: zeros };
  return builder.build(builder.linear('classifier', dropped, classifier), { features });
}

function poolFeatures(builder: GraphBuilder, x: Value, network: MobileNetwork): Value {
  const { head, activation } = network;
  const layer = layersOf(builder, network);
  if (head.kind === 'none') return builder.globalAvgPool(x, { name: 'global_pool' });
  const { filters } = head;
  if (head.kind === 'convolution') {
    const y = layer(x, { conv: 'conv_head', norm: 'bn2', filters, kernel: 1 });
    return builder.globalAvgPool(y, { name: 'global_pool' });
  }
  const pooled = builder.globalAvgPool(x, { keepDims: true, name: 'global_pool' });
  if (head.norm) {
    const y = layer(pooled, { conv: 'conv_head', norm: 'norm_head', filters, kernel: 1 });
    return builder.reshape(y, [filters], 'flatten');
  }
  const options = { filters, kernel: 1, init: efficientNetConv, biasInit: zeros };
  const y = builder.activation(builder.conv2d('conv_head', pooled, options), activation, { name: 'act2' });
  return builder.reshape(y, [filters], 'flatten');
}
