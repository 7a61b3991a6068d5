// Runs a model over a split and keeps the raw outputs in the order of its items. Knows nothing of metrics.

import type { Batch, Prediction } from '$lib/engines/contract';
import { turn } from './turn';
import type { BatchSource } from './source';

export interface Predicts {
  predict(batch: Batch): Promise<Prediction>;
}

/** Predictions under way at once: one is computed while the outputs of the other are read. */
const IN_FLIGHT = 2;

export interface OutputProgress {
  done: number;
  total: number;
}

/**
 * Outputs of every item, [items, outputs] row-major; yields progress after each batch and returns null when `signal` is aborted
 * in between.
 */
export async function* collectOutputs(
  model: Predicts,
  source: BatchSource,
  signal?: AbortSignal,
): AsyncGenerator<OutputProgress, Float32Array | null> {
  const total = source.items.length;
  let outputs: Float32Array | null = null;
  let done = 0;
  const pending: { indices: readonly number[]; prediction: Promise<Prediction> }[] = [];

  async function takeOne(): Promise<void> {
    const next = pending.shift();
    if (next === undefined) return;
    // The synchronisation of evaluation: outputs come to the host, while the batch behind them is already enqueued.
    const { output } = await next.prediction;
    const width = output.length / next.indices.length;
    outputs ??= new Float32Array(total * width);
    for (const [row, index] of next.indices.entries()) {
      outputs.set(output.subarray(row * width, (row + 1) * width), index * width);
    }
    done += next.indices.length;
  }

  try {
    for await (const batch of source.epoch(0)) {
      const prediction = model.predict(batch);
      // Awaited in its turn; until then its failure must not count as one that nobody handles.
      prediction.catch(() => undefined);
      pending.push({ indices: batch.indices, prediction });
      if (pending.length >= IN_FLIGHT) {
        await takeOne();
        yield { done, total };
      }
      await turn();
      if (signal?.aborted === true) return null;
    }
    while (pending.length > 0) await takeOne();
    yield { done, total };
    return outputs ?? new Float32Array(0);
  } finally {
    // Left over after an abort or an error: nobody else would hear of their failure.
    await Promise.allSettled(pending.map(({ prediction }) => prediction));
  }
}
