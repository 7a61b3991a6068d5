// A group as a table: ranks by its metric, what differs, mean and deviation.
import { expect, it } from 'vitest';
import { summarizeGroup, variantText } from '$lib/state/run-groups';
import type { GroupRecord, RunRecord } from '$lib/storage/records';
import { entry } from '../queue/entry';

const group = (change: Partial<GroupRecord>) =>
  ({
    id: 'g',
    kind: 'sweep',
    sweep: { method: 'grid', values: { 'optimizer.name': ['sgd', 'adamw'], 'model.name': ['a', 'b'] } },
    metric: { name: 'val_accuracy', better: 'higher' },
    rungs: [],
    ...change,
  }) as unknown as GroupRecord; // What is read of it.

const run = (id: string, value: number | null, createdAt: number, change: Partial<RunRecord> = {}) =>
  ({
    id,
    groupId: 'g',
    createdAt,
    job: { optimizer: { name: 'sgd' } },
    best: value === null ? null : { metric: 'val_accuracy', value, epoch: 1 },
    ...change,
  }) as unknown as RunRecord; // What is read of it.

it('ranks its runs, leaves out those without a value and those of others', () => {
  const runs = [
    run('c', 0.9, 3),
    run('b', null, 2),
    run('a', 0.5, 1),
    run('other', 0.99, 0, { groupId: 'h' }),
    run('elsewhere', 1, 4, { best: { metric: 'val_loss', value: 1, epoch: 1 } }),
  ];
  const { rows, best, columns } = summarizeGroup(group({}), runs, []);
  expect(rows.map(({ run: { id }, rank }) => [id, rank])).toEqual([
    ['a', 2],
    ['b', null],
    ['c', 1],
    ['elsewhere', null],
  ]);
  expect(best?.run.id).toBe('c');
  // 'name' alone would say neither which name.
  expect(columns.map(({ title }) => title)).toEqual(['optimizer.name', 'model.name']);
});

it('takes the lowest loss for the best, and tells mean and deviation of folds', () => {
  const folds = group({
    kind: 'folds',
    sweep: { method: 'folds', folds: 3 },
    metric: { name: 'val_loss', better: 'lower' },
  });
  const of = (id: string, value: number) =>
    run(id, null, 0, { best: { metric: 'val_loss', value, epoch: 1 }, variant: { 'validation.fold': 1 } });
  const runs = [of('a', 2), of('b', 1), of('c', 3)];
  const { best, mean, deviation } = summarizeGroup(folds, runs, []);
  expect(best?.run.id).toBe('b');
  expect([mean, deviation]).toEqual([2, 1]);
  // People count folds from 1.
  expect(variantText(runs[0], 'validation.fold')).toBe('2');
});

it('counts what its queue still holds, and nothing of other groups', () => {
  const entries = [
    entry({ id: '1', groupId: 'g', status: 'running' }),
    entry({ id: '2', groupId: 'g' }),
    entry({ id: '3', groupId: 'g', status: 'failed' }),
    entry({ id: '4', groupId: 'h' }),
    entry({ id: '5' }),
  ];
  expect(summarizeGroup(group({}), [], entries).counts).toEqual({ done: 0, running: 1, waiting: 1, failed: 1 });
});

it('shows the value of the job where the run says nothing of its own', () => {
  expect(variantText(run('a', 1, 0), 'optimizer.name')).toBe('sgd');
  expect(variantText(run('a', 1, 0, { variant: { 'optimizer.name': 'adamw' } }), 'optimizer.name')).toBe('adamw');
  expect(variantText(run('a', 1, 0), 'optimizer.gone')).toBe('');
});
