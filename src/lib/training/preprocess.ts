// The job's preprocessing as numbers, resolved against the data that it is first used on. Pure.

import type { Job } from '$lib/job/job';
import type { InputPreprocess } from '$lib/interchange/weights/contract';
import type { ResolvedPreprocess, Statistics } from '$lib/storage/records';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** A channel that never changes has deviation 0; dividing by it would be infinite. */
const SMALLEST_STD = 1e-3;

/** Mean and deviation as numbers, to be kept with the run: a later use has no data set. `weights`: what those that it starts from expect. */
export function resolvePreprocess(
  preprocess: Job['preprocess'],
  statistics: Statistics,
  weights: Pick<InputPreprocess, 'mean' | 'std'> | null = null,
): ResolvedPreprocess {
  const { image_size, resize, interpolation, normalize } = preprocess;
  const size = { imageSize: [image_size, image_size], resize, interpolation } as const;
  switch (normalize) {
    case 'dataset': {
      const [red, green, blue] = statistics.std;
      const above = (std: number): number => Math.max(std, SMALLEST_STD);
      return { ...size, mean: statistics.mean, std: [above(red), above(green), above(blue)] };
    }
    case 'weights':
      // Nearly all published weights were trained on images normalised so.
      return { ...size, mean: weights?.mean ?? IMAGENET.mean, std: weights?.std ?? IMAGENET.std };
    case 'imagenet':
      return { ...size, ...IMAGENET };
    case 'minus_one_one':
      return { ...size, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    case 'none':
      return { ...size, mean: [0, 0, 0], std: [1, 1, 1] };
    default:
      return normalize satisfies never;
  }
}
