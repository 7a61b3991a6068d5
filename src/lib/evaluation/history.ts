// history.csv: a row for each epoch of a run, from its events.

import { csvText, type CsvValue } from '$lib/core/csv';
import { currentEvents } from '$lib/storage/run-history';
import type { RunEvent } from '$lib/training/events';

type EpochEvent = Extract<RunEvent, { type: 'epoch' }>;

/** Columns: epoch, step, learning_rate, seconds, best (0 or 1), then every metric that occurs, in the order of its first use. */
export function historyCsv(events: readonly RunEvent[]): string {
  const epochs = currentEvents(events).filter((event): event is EpochEvent => event.type === 'epoch');
  const names = [...new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)))];
  function* rows(): Generator<CsvValue[]> {
    yield ['epoch', 'step', 'learning_rate', 'seconds', 'best', ...names];
    for (const { epoch, step, learningRate, seconds, best, metrics } of epochs) {
      // Epochs without a validation have empty cells there.
      yield [epoch, step, learningRate, seconds, Number(best), ...names.map((name) => metrics[name] ?? null)];
    }
  }
  return csvText(rows());
}
