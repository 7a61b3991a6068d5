import { describe, expect, it } from 'vitest';
import { sampledOrder } from '$lib/training/sampling';

/** 90, 9 and 1 images. */
const STRATA = Array.from({ length: 100 }, (_, index) => (index < 90 ? 0 : index < 99 ? 1 : 2));

function shares(sampling: 'balanced' | 'square_root'): number[] {
  const counts = [0, 0, 0];
  for (let epoch = 0; epoch < 100; epoch++) {
    for (const index of sampledOrder(STRATA, sampling, 1, epoch)) counts[STRATA[index]]++;
  }
  return counts.map((count) => count / 10_000);
}

describe('an epoch of weighted sampling', () => {
  it('has each class as often as any other when balanced', () => {
    // 10,000 draws: a standard deviation of half a per cent; three of them.
    for (const share of shares('balanced')) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.015);
  });

  it('has classes by the root of their number in between', () => {
    const roots = [Math.sqrt(90), 3, 1];
    const total = roots.reduce((sum, root) => sum + root, 0);
    shares('square_root').forEach((share, index) => expect(Math.abs(share - roots[index] / total)).toBeLessThan(0.015));
  });

  it('repeats the images of a class equally often', () => {
    const counts = new Map<number, number>();
    for (const index of sampledOrder(STRATA, 'balanced', 3, 0)) counts.set(index, (counts.get(index) ?? 0) + 1);
    for (const own of [0, 1, 2]) {
      const members = [...STRATA.keys()].filter((index) => STRATA[index] === own);
      const times = members.map((index) => counts.get(index) ?? 0);
      expect(Math.max(...times) - Math.min(...times), `class ${own}`).toBeLessThanOrEqual(1);
    }
  });

  it('is as long as the data, the same for the same seed and epoch, and another for others', () => {
    const order = sampledOrder(STRATA, 'balanced', 1, 5);
    expect(order).toHaveLength(100);
    expect(sampledOrder(STRATA, 'balanced', 1, 5)).toEqual(order);
    expect(sampledOrder(STRATA, 'balanced', 1, 6)).not.toEqual(order);
    expect(sampledOrder(STRATA, 'balanced', 2, 5)).not.toEqual(order);
  });
});
