// The blocks that mobile networks are put together from, with timm's names: depthwise separable (MobileNetV1), inverted
// residual (V2, V3, EfficientNet), universal inverted residual (V4) and a plain convolution. Networks are in mobile-network.ts.

import type { GraphBuilder, Value } from '$lib/graph/builder';
import { efficientNetConv } from '$lib/graph/initializers';
import type { ActivationKind } from '$lib/graph/types';
import { roundChannels } from './channels';
import { convNorm } from './conv-norm';
import type { ConvNormOptions } from './conv-norm';
import { squeezeExcite } from './squeeze-excite';

interface Common {
  /** Blocks like this one, of which only the first of a stage has the stride; default 1. */
  repeats?: number;
  stride: 1 | 2;
  /** Channels of the output, before the network's width. */
  filters: number;
  /** Instead of the network's. */
  activation?: ActivationKind;
}

interface Separable extends Common {
  kind: 'separable';
  kernel: number;
  squeeze?: boolean;
  /** MobileNetV1's: an activation after the pointwise convolution, and no residual. */
  plain?: boolean;
}

interface Inverted extends Common {
  kind: 'inverted';
  kernel: number;
  /** Channels of the depthwise convolution as a multiple of the input's. */
  expansion: number;
  squeeze?: boolean;
}

interface Universal extends Common {
  kind: 'universal';
  /** Kernels of the depthwise convolutions before and after the expansion; 0: there is none. */
  start: number;
  middle: number;
  expansion: number;
}

interface Convolution extends Common {
  kind: 'convolution';
  kernel: number;
}

export type Block = Separable | Inverted | Universal | Convolution;

/** What the blocks of a network have in common. */
export interface BlockStyle {
  activation: ActivationKind;
  /** From how many channels squeeze-and-excitation takes a quarter, and what it computes with. */
  squeeze?: { from: 'input' | 'hidden'; activation: ActivationKind; gate: 'sigmoid' | 'hard_sigmoid' };
  padding?: ConvNormOptions['padding'];
  epsilon?: number;
}

/** A convolution with its norm and activation: `convNorm` with what the block and the network have in common filled in. */
type Layer = (x: Value, options: Omit<ConvNormOptions, 'activation'> & { linear?: boolean }) => Value;

export interface BlockPlace {
  /** 'blocks.2.0' */
  name: string;
  stride: number;
  /** Channels of the output with the network's width applied. */
  filters: number;
  /** Stochastic depth; only residual blocks use it. */
  dropPath: number;
}

/** The layer maker of a network, whose weights start as timm's efficientnet_init_weights has it. */
export function layersOf(builder: GraphBuilder, style: BlockStyle, activation = style.activation): Layer {
  const { padding, epsilon } = style;
  return (x, { linear = false, ...options }) =>
    convNorm(builder, x, {
      padding,
      epsilon,
      init: efficientNetConv,
      activation: linear ? 'none' : activation,
      ...options,
    });
}

/** The block with its residual, where it has one: input and output are then alike. */
export function mobileBlock(
  builder: GraphBuilder,
  x: Value,
  block: Block,
  place: BlockPlace,
  style: BlockStyle,
): Value {
  const { name, stride, filters, dropPath } = place;
  const layer = layersOf(builder, style, block.activation);
  const squeezed = (hidden: Value): Value => squeeze(builder, x, hidden, block, name, style);
  const y = branch(layer, x, block, place, squeezed);
  const residual = block.kind !== 'convolution' && !(block.kind === 'separable' && block.plain === true);
  if (!residual || stride !== 1 || x.shape[2] !== filters) return y;
  return builder.add(builder.dropPath(`${name}.drop_path`, y, dropPath), x, `${name}.add`);
}

function branch(layer: Layer, x: Value, block: Block, place: BlockPlace, squeezed: (hidden: Value) => Value): Value {
  const { name, stride, filters } = place;
  switch (block.kind) {
    case 'convolution':
      return layer(x, { conv: `${name}.conv`, norm: `${name}.bn1`, filters, kernel: block.kernel, stride });
    case 'separable': {
      const depthwise = { filters: 'depthwise', kernel: block.kernel, stride } as const;
      const y = squeezed(layer(x, { conv: `${name}.conv_dw`, norm: `${name}.bn1`, ...depthwise }));
      const linear = block.plain !== true;
      return layer(y, { conv: `${name}.conv_pw`, norm: `${name}.bn2`, filters, kernel: 1, linear });
    }
    case 'inverted': {
      const hidden = roundChannels(x.shape[2] * block.expansion);
      const depthwise = { filters: 'depthwise', kernel: block.kernel, stride } as const;
      const wide = layer(x, { conv: `${name}.conv_pw`, norm: `${name}.bn1`, filters: hidden, kernel: 1 });
      const y = squeezed(layer(wide, { conv: `${name}.conv_dw`, norm: `${name}.bn2`, ...depthwise }));
      return layer(y, { conv: `${name}.conv_pwl`, norm: `${name}.bn3`, filters, kernel: 1, linear: true });
    }
    case 'universal':
      return universal(layer, x, block, place);
    default:
      return block satisfies never;
  }
}

/** Qin et al. 2024: two optional depthwise convolutions, of which the later one carries the stride. */
function universal(layer: Layer, x: Value, block: Universal, { name, stride, filters }: BlockPlace): Value {
  const part = (role: string) => ({ conv: `${name}.${role}.conv`, norm: `${name}.${role}.bn` });
  const depthwise = (kernel: number, step: number) => ({ filters: 'depthwise', kernel, stride: step }) as const;
  const { start, middle } = block;
  const hidden = roundChannels(x.shape[2] * block.expansion);
  let y = x;
  if (start > 0) y = layer(y, { ...part('dw_start'), ...depthwise(start, middle > 0 ? 1 : stride), linear: true });
  y = layer(y, { ...part('pw_exp'), filters: hidden, kernel: 1 });
  if (middle > 0) y = layer(y, { ...part('dw_mid'), ...depthwise(middle, stride) });
  return layer(y, { ...part('pw_proj'), filters, kernel: 1, linear: true });
}

function squeeze(
  builder: GraphBuilder,
  x: Value,
  hidden: Value,
  block: Block,
  name: string,
  { squeeze: rule }: BlockStyle,
): Value {
  if (rule === undefined || !('squeeze' in block) || block.squeeze !== true) return hidden;
  const { from, ...rest } = rule;
  const channels = from === 'hidden' ? roundChannels(hidden.shape[2] / 4) : Math.round(x.shape[2] / 4);
  return squeezeExcite(builder, hidden, { name: `${name}.se`, channels, ...rest });
}
