// Predictions as files: the JSON that the command line prints, and a row per image. Pure.
import { csvText } from '$lib/core/csv';
import type { PredictionJson } from '$lib/tasks/contract';

/** One object per image, or the object itself for one image. */
export function resultsJson(results: readonly PredictionJson[]): string {
  return JSON.stringify(results.length === 1 ? results[0] : results, null, 2);
}

/**
 * `image,predicted_class,confidence` and a column `p:<class>` for each class that occurs; `predicted_classes`, joined by '|', where
 * a model may say several.
 */
export function resultsCsv(results: readonly PredictionJson[]): string {
  const classes = [...new Set(results.flatMap(({ all_predictions }) => Object.keys(all_predictions)))];
  const several = results.some(({ predicted_classes: named }) => named !== undefined);
  const rows = results.map((one) => [
    one.image,
    one.predicted_class,
    ...(several ? [one.predicted_classes?.join('|') ?? ''] : []),
    one.confidence,
    ...classes.map((name) => one.all_predictions[name] ?? null),
  ]);
  const head = ['image', 'predicted_class', ...(several ? ['predicted_classes'] : []), 'confidence'];
  return csvText([[...head, ...classes.map((name) => `p:${name}`)], ...rows]);
}

/** Classes by probability, highest first. */
export function ranked(prediction: PredictionJson): { name: string; probability: number }[] {
  return Object.entries(prediction.all_predictions)
    .map(([name, probability]) => ({ name, probability }))
    .sort((a, b) => b.probability - a.probability);
}
