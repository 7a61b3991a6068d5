// MobileNetV2 (Sandler et al. 2018) with timm's names, numbers and initialisation, at any width.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { efficientNetConv, efficientNetLinear, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';
import { roundChannels } from './channels';
import { convNorm } from './conv-norm';

export interface MobileNetV2Options {
  /** Channel multiplier: 1 is mobilenetv2_100. */
  width: number;
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth; grows linearly with the block's index towards this value. */
  dropPath: number;
}

/** Table 2 of the paper: expansion t, channels c, repeats n, first stride s. */
const STAGES = [
  { expansion: 1, channels: 16, repeats: 1, stride: 1 },
  { expansion: 6, channels: 24, repeats: 2, stride: 2 },
  { expansion: 6, channels: 32, repeats: 3, stride: 2 },
  { expansion: 6, channels: 64, repeats: 4, stride: 2 },
  { expansion: 6, channels: 96, repeats: 3, stride: 1 },
  { expansion: 6, channels: 160, repeats: 3, stride: 2 },
  { expansion: 6, channels: 320, repeats: 1, stride: 1 },
] as const;

const shared = { activation: 'relu6', init: efficientNetConv } as const;

export function buildMobileNetV2({ imageSize, classes }: BuildRequest, options: MobileNetV2Options): Graph {
  const { width } = options;
  const builder = new GraphBuilder(imageSize);
  let x = convNorm(builder, builder.input, {
    ...shared,
    conv: 'conv_stem',
    norm: 'bn1',
    filters: roundChannels(32 * width),
    kernel: 3,
    stride: 2,
  });
  const total = STAGES.reduce((sum, { repeats }) => sum + repeats, 0);
  let index = 0;
  STAGES.forEach(({ expansion, channels, repeats, stride }, stage) => {
    for (let block = 0; block < repeats; block++, index++) {
      const name = `blocks.${stage}.${block}`;
      const filters = roundChannels(channels * width);
      const step = block === 0 ? stride : 1;
      const branch =
        expansion === 1
          ? separable(builder, x, name, filters, step)
          : inverted(builder, x, name, x.shape[2] * expansion, filters, step);
      const skips = step === 1 && x.shape[2] === filters;
      x = skips
        ? builder.add(
            builder.dropPath(`${name}.drop_path`, branch, (options.dropPath * index) / total),
            x,
            `${name}.add`,
          )
        : branch;
    }
  });
  // The head is not narrowed below the paper's 1,280.
  const filters = Math.max(1280, roundChannels(1280 * width));
  x = convNorm(builder, x, { ...shared, conv: 'conv_head', norm: 'bn2', filters, kernel: 1 });
  const features = builder.globalAvgPool(x, { name: 'global_pool' });
  const dropped = builder.dropout('drop', features, options.dropout);
  const logits = builder.linear('classifier', dropped, {
    features: classes,
    init: efficientNetLinear,
    biasInit: zeros,
  });
  return builder.build(logits, { features });
}

/** Depthwise, then linear pointwise: the first block. */
function separable(builder: GraphBuilder, x: Value, name: string, filters: number, stride: number): Value {
  const depthwise = convNorm(builder, x, {
    ...shared,
    conv: `${name}.conv_dw`,
    norm: `${name}.bn1`,
    filters: 'depthwise',
    kernel: 3,
    stride,
  });
  const pointwise = { ...shared, conv: `${name}.conv_pw`, norm: `${name}.bn2`, filters, kernel: 1 };
  return convNorm(builder, depthwise, { ...pointwise, activation: 'none' });
}

/** Expand, depthwise, linear pointwise. */
function inverted(
  builder: GraphBuilder,
  x: Value,
  name: string,
  hidden: number,
  filters: number,
  stride: number,
): Value {
  const expand = { ...shared, conv: `${name}.conv_pw`, norm: `${name}.bn1`, filters: hidden, kernel: 1 };
  const expanded = convNorm(builder, x, expand);
  const depthwise = convNorm(builder, expanded, {
    ...shared,
    conv: `${name}.conv_dw`,
    norm: `${name}.bn2`,
    filters: 'depthwise',
    kernel: 3,
    stride,
  });
  const project = { ...shared, conv: `${name}.conv_pwl`, norm: `${name}.bn3`, filters, kernel: 1 };
  return convNorm(builder, depthwise, { ...project, activation: 'none' });
}
