// What the classification tasks write alike: an answer with its classes in order, a row of predictions.csv.

import type { ImageResults, PredictionJson } from './contract';

/** The answer from the probabilities of one image, most probable class first, as a reader wants them. */
export function decodeProbabilities(
  probabilities: Float32Array,
  classes: readonly string[],
  image: string,
): PredictionJson {
  const order = [...classes.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  return {
    image,
    predicted_class: classes[order[0]],
    confidence: probabilities[order[0]],
    all_predictions: Object.fromEntries(order.map((index) => [classes[index], probabilities[index]])),
  };
}

/** More digits than a float32 holds would be noise. */
export function shortNumber(value: number): number {
  return Number(value.toPrecision(7));
}

/** Names of the columns 'p:<class>', and their values in a row. */
export function probabilityColumns(classes: readonly string[]): string[] {
  return classes.map((name) => `p:${name}`);
}

export function probabilityCells(images: ImageResults, classes: number, row: number): number[] {
  return Array.from(images.probabilities.subarray(row * classes, (row + 1) * classes), shortNumber);
}

/** Null for none. */
export function meanOf(values: Float32Array): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
