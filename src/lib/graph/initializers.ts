// How parameters start, as the libraries that define the architectures do it: recipes from a weight's fans to an Initializer.
// Nothing is drawn here; see initialize.ts.

import type { Initializer } from './types';

/** Fans of a weight as PyTorch counts them, before any division by groups that a library adds. */
export interface Fans {
  /** in / groups * kh * kw. */
  fanIn: number;
  /** out * kh * kw. */
  fanOut: number;
  groups: number;
}

/** What a layer takes as `init`: a fixed initialiser or a recipe that looks at the fans. */
export type InitializerRecipe = Initializer | ((fans: Fans) => Initializer);

export const zeros: Initializer = { kind: 'zeros' };
export const ones: Initializer = { kind: 'ones' };

/**
 * The start of every PyTorch convolution and linear layer: kaiming_uniform with a = sqrt(5), which is uniform within
 * 1 / sqrt(fan_in). The same bound holds for the bias.
 */
export const torchDefault = ({ fanIn }: Fans): Initializer => ({ kind: 'uniform', bound: 1 / Math.sqrt(fanIn) });

/** He et al. 2015 for ReLU, preserving the variance of the gradient: timm's ResNet. */
export const kaimingFanOut = ({ fanOut }: Fans): Initializer => ({ kind: 'normal', std: Math.sqrt(2 / fanOut) });

/** He et al. 2015 for ReLU, preserving the variance of the activations. */
export const kaimingFanIn = ({ fanIn }: Fans): Initializer => ({ kind: 'normal', std: Math.sqrt(2 / fanIn) });

/** timm's efficientnet_init_weights for convolutions: fan-out per group. */
export const efficientNetConv = ({ fanOut, groups }: Fans): Initializer => ({
  kind: 'normal',
  std: Math.sqrt(2 / Math.floor(fanOut / groups)),
});

/** timm's efficientnet_init_weights for linear layers; their bias starts at zero. */
export const efficientNetLinear = ({ fanOut }: Fans): Initializer => ({
  kind: 'uniform',
  bound: 1 / Math.sqrt(fanOut),
});

/**
 * timm's vision transformers and ConvNeXt: trunc_normal_ with a deviation of 0.02. Its bounds are -2 and 2, a hundred deviations
 * away, so that nothing is ever cut.
 */
export const narrowNormal: Initializer = { kind: 'normal', std: 0.02 };

export function resolveInitializer(recipe: InitializerRecipe, fans: Fans): Initializer {
  return typeof recipe === 'function' ? recipe(fans) : recipe;
}
