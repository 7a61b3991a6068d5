// ReXNet (Han et al. 2021) with timm's names, numbers and initialisation: inverted bottlenecks whose channels grow by a constant
// amount from block to block.

import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import { efficientNetConv, efficientNetLinear, zeros } from '$lib/graph/initializers';
import type { Graph } from '$lib/graph/types';
import type { BuildRequest } from '../contract';
import { roundChannels } from './channels';
import { convNorm } from './conv-norm';
import type { ConvNormOptions } from './conv-norm';

export interface ReXNetOptions {
  /** Channel multiplier: 1.5 is rexnet_150. */
  width: number;
  /** Before the classifier. */
  dropout: number;
  /** Stochastic depth of the last block; it grows linearly from 0 at the first. */
  dropPath: number;
}

/** Blocks of a stage and the stride of its first; squeeze and excitation from the third stage on. */
const STAGES = [
  { repeats: 1, stride: 1, expansion: 1, squeezes: false },
  { repeats: 2, stride: 2, expansion: 6, squeezes: false },
  { repeats: 2, stride: 2, expansion: 6, squeezes: true },
  { repeats: 3, stride: 2, expansion: 6, squeezes: true },
  { repeats: 3, stride: 1, expansion: 6, squeezes: true },
  { repeats: 5, stride: 2, expansion: 6, squeezes: true },
] as const;

const STEM = 32;
const FIRST = 16;
/** What all blocks together add to the channels of the first. */
const GROWTH = 180;
const LAST = 1280;
const SQUEEZE = 12;

interface BlockOptions {
  name: string;
  filters: number;
  expansion: number;
  stride: number;
  squeezes: boolean;
  dropPath: number;
}

export function buildReXNet({ imageSize, classes }: BuildRequest, options: ReXNetOptions): Graph {
  const { width } = options;
  const builder = new GraphBuilder(imageSize);
  let x = layer(builder, builder.input, 'stem', {
    filters: roundHalfEven(Math.max(STEM, STEM * width)),
    kernel: 3,
    stride: 2,
    activation: 'silu',
  });
  const total = STAGES.reduce((sum, { repeats }) => sum + repeats, 0);
  // Narrower nets keep the first channels of width 1.
  let channels = width < 1 ? FIRST / width : FIRST;
  let index = 0;
  for (const { repeats, stride, expansion, squeezes } of STAGES) {
    for (let block = 0; block < repeats; block++, index++) {
      x = bottleneck(builder, x, {
        name: `features.${index}`,
        filters: roundHalfEven(channels * width),
        expansion,
        stride: block === 0 ? stride : 1,
        squeezes,
        dropPath: (options.dropPath * index) / (total - 1),
      });
      channels += GROWTH / total;
    }
  }
  const last = { filters: roundChannels(LAST * width, 1), kernel: 1, activation: 'silu' } as const;
  x = layer(builder, x, `features.${index}`, last);
  const features = builder.globalAvgPool(x, { name: 'head.global_pool' });
  const dropped = builder.dropout('head.drop', features, options.dropout);
  const start = { init: efficientNetLinear, biasInit: zeros };
  return builder.build(builder.linear('head.fc', dropped, { features: classes, ...start }), { features });
}

/** timm's ConvNormAct. */
function layer(
  builder: GraphBuilder,
  x: Value,
  name: string,
  options: Pick<ConvNormOptions, 'filters' | 'kernel' | 'stride' | 'activation'>,
): Value {
  return convNorm(builder, x, { conv: `${name}.conv`, norm: `${name}.bn`, init: efficientNetConv, ...options });
}

/** Expand, depthwise, squeeze and excite, project. The shortcut feeds the first channels; those that are new have none. */
function bottleneck(builder: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { name, filters, expansion, stride, squeezes, dropPath } = options;
  const channels = x.shape[2];
  const hidden = { filters: channels * expansion, kernel: 1, activation: 'silu' } as const;
  const expanded = expansion === 1 ? x : layer(builder, x, `${name}.conv_exp`, hidden);
  const spread = { filters: 'depthwise', kernel: 3, stride, activation: 'none' } as const;
  const depthwise = layer(builder, expanded, `${name}.conv_dw`, spread);
  const gated = squeezes ? squeezeExcite(builder, depthwise, `${name}.se`) : depthwise;
  const active = builder.activation(gated, 'relu6', { name: `${name}.act_dw` });
  const projected = layer(builder, active, `${name}.conv_pwl`, { filters, kernel: 1, activation: 'none' });
  if (stride !== 1 || channels > filters) return projected;

  const branch = builder.dropPath(`${name}.drop_path`, projected, dropPath);
  const part = (begin: number, size: number, what: string): Value =>
    size === filters ? branch : builder.slice(branch, { axis: -1, begin, size }, `${name}.${what}`);
  const sum = builder.add(part(0, channels, 'old'), x, `${name}.add`);
  if (channels === filters) return sum;
  return builder.concat([sum, part(channels, filters - channels, 'new')], -1, `${name}.concat`);
}

/** With a batch norm between its two layers, over one value for each image and channel. */
function squeezeExcite(builder: GraphBuilder, x: Value, name: string): Value {
  const channels = x.shape[2];
  const start = { kernel: 1, init: efficientNetConv, biasInit: zeros };
  const pooled = builder.globalAvgPool(x, { keepDims: true, name: `${name}.pool` });
  const squeezed = builder.conv2d(`${name}.fc1`, pooled, { filters: Math.floor(channels / SQUEEZE), ...start });
  const active = builder.activation(builder.batchNorm(`${name}.bn`, squeezed), 'relu', { name: `${name}.act` });
  const excited = builder.conv2d(`${name}.fc2`, active, { filters: channels, ...start });
  const gate = builder.activation(excited, 'sigmoid', { name: `${name}.gate` });
  return builder.multiply(x, gate, `${name}.scale`);
}

/** Python's round: halves go to the even number. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
