// Mixed images and a teacher's answers on their way to the loop: the same wherever an epoch is taken up.
import { describe, expect, it } from 'vitest';
import { createMixer } from '$lib/pipeline/mix';
import { mixedSource, taughtSource } from '$lib/training/derived';
import type { BatchSource, SourceBatch } from '$lib/training/source';
import { makeSource } from './support';

async function batchesOf(source: BatchSource, epoch: number, first = 0): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = [];
  for await (const batch of source.epoch(epoch, first)) batches.push(batch);
  return batches;
}

describe('a mixed source', () => {
  const plain = makeSource('train', 32, 8);
  const mixed = mixedSource(plain, createMixer({ mixup: 0.5, cutmix: 1, probability: 1 }, 4));

  it('gives the same batches from any step on', async () => {
    const all = await batchesOf(mixed, 2);
    expect(await batchesOf(mixed, 2, 3)).toEqual(all.slice(3));
    expect(all).not.toEqual(await batchesOf(plain, 2));
    expect((await batchesOf(mixed, 3))[0].images).not.toEqual(all[0].images);
  });

  it('is the source itself where nothing is mixed', () => {
    expect(mixedSource(plain, createMixer({ mixup: 0, cutmix: 0, probability: 1 }, 4))).toBe(plain);
  });
});

describe('a taught source', () => {
  const plain = makeSource('train', 32, 8);
  const marked = (batch: SourceBatch) => ({ ...batch.targets, values: Float32Array.of(batch.indices[0]) });

  it('gives every batch with the answers for it, in order', async () => {
    const answers = async (batch: SourceBatch) => {
      // The first answer comes last.
      await new Promise((resolve) => setTimeout(resolve, batch.indices[0] % 3));
      return marked(batch);
    };
    const expected = await batchesOf(plain, 1, 1);
    const taught = await batchesOf(taughtSource(plain, answers), 1, 1);
    expect(taught.map(({ indices }) => indices)).toEqual(expected.map(({ indices }) => indices));
    for (const batch of taught) expect(batch.targets.values).toEqual(Float32Array.of(batch.indices[0]));
  });

  it('asks about the next batch before it gives one', async () => {
    const asked: number[] = [];
    const source = taughtSource(plain, (batch) => {
      asked.push(batch.indices[0]);
      return Promise.resolve(marked(batch));
    });
    for await (const _ of source.epoch(0)) break;
    expect(asked).toHaveLength(2);
  });

  it('fails with its teacher', async () => {
    const source = taughtSource(plain, () => Promise.reject(new Error('no answer')));
    await expect(batchesOf(source, 0)).rejects.toThrow('no answer');
  });
});
