import { describe, expect, it } from 'vitest';
import type { Item, SplitName } from '$lib/storage/records';
import { foldItems, versionFor } from '$lib/training/folds';
import { makeItems, makeJob } from './support';

const of = (items: readonly Item[], name: SplitName): string[] =>
  items.filter(({ split }) => split === name).map(({ path }) => path);

const stratum = ({ annotation }: Item): number => (annotation.kind === 'class' ? annotation.class : -1);

describe('folds', () => {
  // 23 and 9 images: no number of folds divides them.
  const items = [...makeItems('train', 23), ...makeItems('val', 9), ...makeItems('test', 6)];

  it('hold each image of train and validation out once, and leave the test images alone', () => {
    const held = [0, 1, 2, 3, 4].map((fold) => foldItems(items, { folds: 5, fold, seed: 3, stratum }));
    const all = held.flatMap((folded) => of(folded, 'val'));
    expect(all.toSorted()).toEqual([...of(items, 'train'), ...of(items, 'val')].toSorted());
    for (const folded of held) {
      expect(of(folded, 'test')).toEqual(of(items, 'test'));
      expect(folded.map(({ path }) => path)).toEqual(items.map(({ path }) => path));
      expect(of(folded, 'train')).toHaveLength(32 - of(folded, 'val').length);
    }
  });

  it('are alike in size and in their classes', () => {
    for (const folds of [2, 3, 5, 8]) {
      const sizes = Array.from({ length: folds }, (_, fold) => {
        const held = foldItems(items, { folds, fold, seed: 3, stratum }).filter(({ split }) => split === 'val');
        return [held.length, held.filter((item) => stratum(item) === 0).length];
      });
      for (const column of [0, 1]) {
        const lengths = sizes.map((size) => size[column]);
        expect(Math.max(...lengths) - Math.min(...lengths), `${folds} folds`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('depend on the seed alone', () => {
    const settings = { folds: 4, fold: 1, stratum };
    expect(foldItems(items, { ...settings, seed: 1 })).toEqual(foldItems(items, { ...settings, seed: 1 }));
    expect(foldItems(items, { ...settings, seed: 1 })).not.toEqual(foldItems(items, { ...settings, seed: 2 }));
  });

  it('are what a job asks for; without, a version stays as it is', () => {
    const version = { id: 'v', items };
    expect(versionFor(version, makeJob())).toBe(version);
    const folded = versionFor(version, makeJob({ validation: { folds: 4, fold: 2 } }));
    expect(folded.items).toEqual(foldItems(items, { folds: 4, fold: 2, seed: 0, stratum }));
    expect(of(folded.items, 'val')).toHaveLength(8);
  });
});
