import { describe, expect, it } from 'vitest';
import type { Statistics } from '$lib/storage/records';
import { resolvePreprocess } from '$lib/training/preprocess';
import { makeJob } from './support';

const statistics: Statistics = {
  mean: [0.1, 0.2, 0.3],
  std: [0.2, 0, 0.25],
  sampled: 10,
  sizes: [],
  otherSizes: 0,
  bytes: 0,
};

describe('preprocessing as numbers', () => {
  const { preprocess } = makeJob();

  it('takes mean and deviation of the data, and never divides by zero', () => {
    const resolved = resolvePreprocess({ ...preprocess, normalize: 'dataset' }, statistics);
    expect(resolved).toMatchObject({ imageSize: [8, 8], mean: [0.1, 0.2, 0.3], std: [0.2, 0.001, 0.25] });
  });

  it('knows the constants that other models were trained with', () => {
    const of = (normalize: 'imagenet' | 'minus_one_one' | 'none') =>
      resolvePreprocess({ ...preprocess, normalize }, statistics);
    expect(of('imagenet')).toMatchObject({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    expect(of('minus_one_one')).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expect(of('none')).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
  });
});
