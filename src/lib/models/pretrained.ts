// How the images of published weights were normalised, so that metadata can say it in one word. Data only.

import type { PretrainedWeights } from './contract';

type Preparation = Pick<PretrainedWeights, 'mean' | 'std'>;

/** The moments of ImageNet's pixels, which most weights were trained with. */
export const IMAGENET: Preparation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** To -1..1: Inception's way, and that of the vision transformers. */
export const SYMMETRIC: Preparation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
