import { describe, expect, it } from 'vitest';
import { setPath } from '$lib/core/path';
import { checkJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { JOB_PRESETS, jobFields, presetsFor } from '$lib/job/schema';
import type { Item } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import { catalog, digits, photos } from './catalog';

const pairs = TASKS.flatMap((task) => JOB_PRESETS.map(({ id }) => [id, task] as const));

function valuesOf(id: string, task = TASKS[0]): Readonly<Record<string, unknown>> {
  return presetsFor(jobFields(catalog, task, catalog.models[0])).find((preset) => preset.id === id)?.values ?? {};
}

function suggested(data: typeof photos): string[] {
  return JOB_PRESETS.filter(({ why }) => typeof why?.(data) === 'string').map(({ id }) => id);
}

describe('a preset', () => {
  it.each(pairs)('%s is a valid job of every task, data or not', (id, task) => {
    const start: unknown = { version: 2, task: task.id };
    const job = Object.entries(valuesOf(id, task)).reduce((next, [path, value]) => setPath(next, path, value), start);
    for (const data of [undefined, photos, digits]) expect(checkJob(job, { ...catalog, data }).problems).toEqual([]);
  });

  it('for imbalanced classes weighs them and judges by a metric in which each counts the same', () => {
    const values = { 'loss.class_weights': 'effective', 'validation.metric': 'macro_f1' };
    expect(valuesOf('imbalanced')).toMatchObject(values);
    // Where the loss has no effective number there is the inverse frequency.
    const weights = valuesOf(
      'imbalanced',
      TASKS.find(({ id }) => id === 'multi_label'),
    )['loss.class_weights'];
    expect(['effective', 'inverse']).toContain(weights);
    expect(valuesOf('imbalanced')).not.toHaveProperty('training.sampling');
  });

  it('is suggested only by data that asks for it', () => {
    expect(suggested(photos)).toEqual([]);
    expect(suggested({ ...photos, largestClass: 500, smallestClass: 100 })).toEqual([]);
    expect(suggested({ ...photos, largestClass: 501, smallestClass: 100 })).toEqual(['imbalanced']);
    expect(suggested({ ...photos, images: { train: 240, val: 5, test: 5 } })).toEqual(['small']);
    expect(suggested({ ...photos, images: { train: 250, val: 5, test: 5 } })).toEqual([]);
  });

  it('says why in numbers', () => {
    const why = JOB_PRESETS.find(({ id }) => id === 'imbalanced')?.why;
    const text = 'The largest class has 1,200 images to learn from, the smallest 30.';
    expect(why?.({ ...photos, largestClass: 1200, smallestClass: 30 })).toBe(text);
  });
});

it('the summary of a data set counts the train images of its largest and smallest class', () => {
  const item = (index: number, split: Item['split']): Item => ({
    blob: 'x',
    path: 'x',
    bytes: 1,
    width: 4,
    height: 4,
    split,
    annotation: { kind: 'class', class: index },
  });
  const items = [
    item(0, 'train'),
    item(0, 'train'),
    item(0, 'train'),
    item(1, 'train'),
    item(1, 'test'),
    item(1, 'val'),
  ];
  const classes = ['a', 'b'].map((name) => ({ name, color: '#000' }));
  const statistics = { mean: [0, 0, 0], std: [1, 1, 1], sizes: [] } as const;
  // Only what the summary reads of the statistics is here.
  const summary = summarizeData({ classes, items, statistics } as unknown as Parameters<typeof summarizeData>[0]);
  expect(summary).toMatchObject({ largestClass: 3, smallestClass: 1, images: { train: 4, val: 1, test: 1 } });
});
