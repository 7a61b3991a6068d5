import { describe, expect, it } from 'vitest';
import { chooseCheckItems } from '$lib/evaluation/check-images';
import { matchClasses } from '$lib/evaluation/classes';
import { evaluate } from '$lib/evaluation/evaluate';
import { neighbourBaseline } from '$lib/evaluation/cached';
import { evaluationJson } from '$lib/evaluation/evaluation-json';
import { heldOutSplit } from '$lib/evaluation/held-out';
import type { Item } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';
import { FeatureTable, plainIds } from '$lib/training/feature-table';
import { annotationsOf } from '$lib/training/source';
import { CLASSES, makeItems, makeSource, task } from '../training/support';

/** Answers the true class of every image but those at `wrong`, with a margin of 2 logits. */
function oracle(items: readonly Item[], wrong: readonly number[]) {
  let next = 0;
  return {
    predict: (batch: { shape: readonly number[] }) => {
      const output = new Float32Array(batch.shape[0] * 2);
      for (let row = 0; row < batch.shape[0]; row++, next++) {
        const { annotation } = items[next];
        const truth = annotation.kind === 'class' ? annotation.class : 0;
        output[row * 2 + (wrong.includes(next) ? 1 - truth : truth)] = 2;
      }
      return Promise.resolve({ output, outputShape: [batch.shape[0], 2] });
    },
  };
}

async function run(wrong: readonly number[], count = 10, signal?: AbortSignal) {
  const source = makeSource('test', count, 4);
  const model = oracle(source.items, wrong);
  const train = annotationsOf(makeItems('train', 3));
  const evaluating = evaluate({ model, source, task, classes: CLASSES, train, signal });
  const progress: number[] = [];
  for (;;) {
    const next = await evaluating.next();
    if (next.done === true) return { progress, ...next.value };
    progress.push(next.value.done);
  }
}

describe('an evaluation', () => {
  it('judges every image of a split, in its order, and tells how far it is', async () => {
    const { result, images, progress } = await run([3, 8]);
    expect(progress.at(-1)).toBe(10);
    expect(result.metrics.accuracy).toBe(0.8);
    expect(images.paths).toEqual(makeItems('test', 10).map(({ path }) => path));
    expect(
      [...images.predictedClass.entries()]
        .filter(([row, found]) => found !== images.trueClass[row])
        .map(([row]) => row),
    ).toEqual([3, 8]);
    expect(result.baseline).toMatchObject({ class: 'dark', metrics: { accuracy: 0.5 } });
  });

  it('of an empty split, or a cancelled one, is an error that says so', async () => {
    await expect(run([], 0)).rejects.toMatchObject({ code: 'empty-split' });
    await expect(run([], 10, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('is written as evaluation.json with rows for the truth', async () => {
    const { result } = await run([3]);
    const json = evaluationJson({ split: 'test', checkpoint: 'best', epoch: 4, result });
    expect(JSON.parse(JSON.stringify(json))).toEqual({
      split: 'test',
      checkpoint: 'best',
      epoch: 4,
      count: 10,
      metrics: result.metrics,
      baseline: result.baseline,
      classes: ['dark', 'bright'],
      per_class: [
        { class: 'dark', precision: 5 / 6, recall: 1, f1: 10 / 11, support: 5 },
        { class: 'bright', precision: 1, recall: 0.8, f1: 8 / 9, support: 5 },
      ],
      confusion_matrix: [
        [5, 0],
        [1, 4],
      ],
    });
  });
});

describe('the baseline of nearest neighbours', () => {
  const train = makeItems('train', 8);
  const items = makeItems('test', 4);
  const table = new FeatureTable(2, plainIds([...train, ...items]));
  // Classes alternate; the test image 1 looks like the other class.
  for (const item of [...train, ...items]) {
    const bright = item.annotation.kind === 'class' && item.annotation.class === 1;
    const angle = (bright ? 1.5 : 0) + (item.path === 'test/1.png' ? -1.5 : 0);
    table.add({ blob: item.blob, variant: 0 }, Float32Array.of(Math.cos(angle), Math.sin(angle)));
  }

  it('is judged by the counted metrics of the task', () => {
    const baseline = neighbourBaseline(task, CLASSES, table, { items, train });
    expect(baseline).toMatchObject({ id: 'knn', name: '5 nearest neighbours on the features' });
    expect(baseline?.metrics.accuracy).toBe(0.75);
    expect(Object.keys(baseline?.metrics ?? {})).toEqual(['accuracy', 'balanced_accuracy', 'macro_f1']);
    expect(neighbourBaseline(task, CLASSES, table, { items, train: [] })).toBeNull();
  });

  it('says of several classes how many neighbours have each', () => {
    // Bright images have both classes, dark ones none: their shares do not sum to 1.
    const several = (some: readonly Item[]): Item[] =>
      some.map((item) => ({ ...item, annotation: { kind: 'classes', classes: item.path === 'test/1.png' || isBright(item) ? [0, 1] : [] } })); // prettier-ignore
    const isBright = ({ annotation }: Item) => annotation.kind === 'class' && annotation.class === 1;
    const multiLabel = getTask('multi_label');
    const baseline = neighbourBaseline(multiLabel, CLASSES, table, { items: several(items), train: several(train) });
    // The test image 1 looks dark.
    expect(baseline?.metrics).toMatchObject({ subset_accuracy: 0.75, hamming_loss: 0.25 });
  });

  it('is in evaluation.json beside the majority class', async () => {
    const { result } = await run([5]);
    const baseline = neighbourBaseline(task, CLASSES, table, { items, train });
    if (baseline === null) throw new Error('no baseline');
    const judged = { ...result, baselines: [baseline] };
    const json = evaluationJson({ split: 'test', checkpoint: 'best', epoch: 4, result: judged });
    expect(json).toMatchObject({ baseline: { name: 'majority class' }, baselines: [{ id: 'knn' }] });
  });
});

describe('classes of other data', () => {
  const items = makeItems('test', 2);

  it('are matched by name, whatever their order', () => {
    const matched = matchClasses(items, ['b', 'a'], ['a', 'b', 'c']);
    expect(matched.map(({ annotation }) => annotation)).toEqual([
      { kind: 'class', class: 1 },
      { kind: 'class', class: 0 },
    ]);
  });

  it('are matched where an image has several', () => {
    const both: Item[] = [{ ...items[0], annotation: { kind: 'classes', classes: [0, 1] } }];
    const [{ annotation }] = matchClasses(both, ['b', 'a'], ['a', 'c', 'b']);
    expect(annotation).toEqual({ kind: 'classes', classes: [0, 2] });
    expect(() => matchClasses(both, ['b', 'x'], ['a', 'b'])).toThrow('"x"');
  });

  it('that the model does not know are named', () => {
    expect(() => matchClasses(items, ['a', 'x'], ['a', 'b'])).toThrow('a class that the model does not know: "x".');
  });

  it('are no trouble where no image has them', () => {
    expect(() => matchClasses([items[0]], ['a', 'x'], ['a', 'b'])).not.toThrow();
  });
});

describe('held-out images', () => {
  it('are the test images, else validation, else none', () => {
    const of = (...splits: ('train' | 'val' | 'test')[]): Item[] => splits.flatMap((split) => makeItems(split, 1));
    expect(heldOutSplit(of('train', 'val', 'test'))).toBe('test');
    expect(heldOutSplit(of('train', 'val'))).toBe('val');
    expect(heldOutSplit(of('train'))).toBeNull();
  });

  it('for an export check are spread over the split, so that no class is left out', () => {
    const sorted = [...makeItems('train', 50), ...makeItems('test', 100)];
    const chosen = chooseCheckItems(sorted);
    expect(chosen).toHaveLength(32);
    expect(new Set(chosen).size).toBe(32);
    expect(chosen.every(({ split }) => split === 'test')).toBe(true);
    expect(chosen.at(-1)?.path).toBe('test/96.png');
    expect(chooseCheckItems(makeItems('train', 3))).toHaveLength(3);
  });
});
