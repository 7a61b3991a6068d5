// Batch sources made from others: images mixed with each other, a teacher's answers beside the labels. Targets in, targets out; knows
// neither loader nor loss.

import type { Mixer } from '$lib/pipeline/mix';
import type { BatchSource, SourceBatch } from './source';

/** Mixes each batch as its epoch and its place in it say, wherever an epoch is taken up. */
export function mixedSource(source: BatchSource, mixer: Mixer | null): BatchSource {
  if (mixer === null) return source;
  return {
    ...source,
    async *epoch(epoch, first = 0) {
      let step = first;
      for await (const batch of source.epoch(epoch, first)) {
        yield { ...batch, ...mixer(batch.images, batch.shape, batch.targets, epoch, step) };
        step++;
      }
    },
  };
}

/** Answers for a batch as it is: what is to stand beside its own targets. */
export type Teach = (batch: SourceBatch) => Promise<SourceBatch['targets']>;

/**
 * Each batch with the teacher's answers in its targets. The next batch is asked about before one is given: its answers come before
 * the student's step in the device's queue, which so never runs dry for them.
 */
export function taughtSource(source: BatchSource, teach: Teach | null): BatchSource {
  if (teach === null) return source;
  const ask = async (batch: SourceBatch): Promise<SourceBatch> => ({ ...batch, targets: await teach(batch) });
  return {
    ...source,
    async *epoch(epoch, first = 0) {
      let ready: Promise<SourceBatch> | null = null;
      for await (const batch of source.epoch(epoch, first)) {
        const asked = ask(batch);
        // Heard when its turn comes; until then a failure must not count as one that nobody handles.
        asked.catch(() => undefined);
        if (ready !== null) yield ready;
        ready = asked;
      }
      if (ready !== null) yield ready;
    },
  };
}
