// The number that speaks for a run must not be one that flatters it.
import { expect, test } from 'vitest';
import { mostTellingFirst } from '$lib/state/evaluations';
import type { EvaluationRecord } from '$lib/storage/records';

const made = (id: string, split: EvaluationRecord['split'], checkpoint: 'best' | 'last', createdAt: number) =>
  ({ id, split, checkpoint, createdAt }) as EvaluationRecord; // the other fields are not looked at

test('test images speak before validation and training images, however new those are', () => {
  const evaluations = [
    made('new-train', 'train', 'best', 9),
    made('new-val', 'val', 'best', 8),
    made('last-test', 'test', 'last', 7),
    made('new-test', 'test', 'best', 6),
    made('old-test', 'test', 'best', 5),
  ];
  const order = mostTellingFirst(evaluations).map(({ id }) => id);
  expect(order).toEqual(['new-test', 'old-test', 'last-test', 'new-val', 'new-train']);
});
