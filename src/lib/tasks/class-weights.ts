// How much each class counts in a loss, from how often it occurs or as a person says. Arithmetic on arrays, free of tfjs.

import { TrainyardError } from '$lib/core/errors';
import { formatPlural } from '$lib/core/format';

/** images / (classes * images of the class), as scikit-learn's 'balanced': the mean over the images is 1. */
export function inverseClassWeights(counts: Float64Array): Float32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  // A class without images never weighs anything; 0 keeps the smoothed part of its loss finite.
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : total / (counts.length * count)));
}

/**
 * (1 - beta) / (1 - beta^n) for a class of n images, scaled so that the mean over the classes with images is 1: by the effective
 * number of images (Cui et al. 2019, equation 2). beta 0 weighs all classes alike, beta near 1 by their inverse frequency.
 */
export function effectiveClassWeights(counts: Float64Array, beta: number): Float32Array {
  const raw = counts.map((count) => (count === 0 ? 0 : 1 / (1 - beta ** count)));
  const mean = raw.reduce((sum, weight) => sum + weight, 0) / Math.max(1, counts.filter((count) => count > 0).length);
  return Float32Array.from(raw, (weight) => (mean === 0 ? 0 : weight / mean));
}

/** Images without a class for each with it: the weight of its presence that balances its absence (PyTorch's pos_weight). 1 for a class never seen. */
export function inversePositiveWeights(counts: Float64Array, images: number): Float32Array {
  return Float32Array.from(counts, (count) => (count === 0 || count === images ? 1 : (images - count) / count));
}

/** The values of a job, one for each class. Throws 'class-weights'. */
export function manualClassWeights(values: unknown, classes: number): Float32Array {
  const list: unknown[] = Array.isArray(values) ? values : [];
  const weights = list.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  if (list.length === classes && weights.length === classes && weights.every((value) => value >= 0)) {
    if (weights.some((value) => value > 0)) return Float32Array.from(weights);
  }
  throw new TrainyardError(
    'class-weights',
    `loss.class_weight_values has ${formatPlural(list.length, 'value')} (${list.slice(0, 8).join(', ')}) for ${formatPlural(classes, 'class', 'classes')}.`,
    'Give one number of 0 or more for each class, in the order of the classes on the Data page, not all of them 0.',
  );
}
