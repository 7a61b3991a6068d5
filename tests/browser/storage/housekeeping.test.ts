// Making room: what a rule takes and what it spares, what is free afterwards, and what belongs to nothing.

import { expect, test } from 'vitest';
import type { TrainState } from '$lib/engines/contract';
import { IMPORT_LOCK, putBlobs } from '$lib/storage/blobs';
import { getCheckpoint, listCheckpoints, saveCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { addEvaluation } from '$lib/storage/evaluations';
import { createGroup } from '$lib/storage/groups';
import { applyPrune, planPrune } from '$lib/storage/housekeeping';
import { orphans, removeOrphans } from '$lib/storage/orphans';
import { addToQueue } from '$lib/storage/queue';
import { spaceByProject } from '$lib/storage/quota';
import type { CheckpointRecord, GroupRecord, QueueRecord, RunRecord } from '$lib/storage/records';
import { holdRun } from '$lib/storage/run-locks';
import { appendEvents, createRun, deleteRun, updateRun } from '$lib/storage/runs';
import { blobOf, fill, itemOf, openFresh } from './open';
import { checkpointOf, evaluationOf, resultsOf, runOf } from './runs';

const NOW = Date.UTC(2026, 10, 20);
const DAY = 86_400_000;

type Ids = { projectId: string; versionId: string };

async function project(database: Database): Promise<Ids> {
  const { project: record, version } = await fill(database, 'p', ['x']);
  return { projectId: record.id, versionId: version.id };
}

async function addRun(
  database: Database,
  { projectId, versionId }: Ids,
  change: Partial<RunRecord>,
): Promise<RunRecord> {
  const run = { ...runOf(projectId, versionId), status: 'done' as const, ...change };
  await createRun(database, run);
  return run;
}

/** One saving: all of these slots with one state of 24 bytes. */
async function save(database: Database, runId: string, slots: readonly string[], age = 0): Promise<void> {
  const [first, ...others] = slots.map((slot): CheckpointRecord => {
    const kind = slot.split('-')[0] as CheckpointRecord['kind'];
    return { ...checkpointOf(runId, 'last', 1), kind, slot, createdAt: NOW - age * DAY };
  });
  await saveCheckpoints(database, runId, [first, ...others.map((other) => ({ ...other, state: first.state }))]);
}

async function slotsOf(database: Database, runId: string): Promise<string[]> {
  return (await listCheckpoints(database, runId)).map(({ slot }) => slot);
}

function groupOf({ projectId, versionId }: Ids, better: 'higher' | 'lower'): GroupRecord {
  return {
    id: crypto.randomUUID(),
    projectId,
    versionId,
    kind: 'sweep',
    title: 'Rates',
    createdAt: NOW,
    job: runOf(projectId, versionId).job,
    sweep: { method: 'grid', values: {} },
    rungs: [],
    metric: { name: 'val_loss', better },
  };
}

function entryOf({ projectId, versionId }: Ids, change: Partial<QueueRecord>): QueueRecord {
  return {
    id: crypto.randomUUID(),
    projectId,
    versionId,
    name: 'entry',
    work: { kind: 'train', job: runOf(projectId, versionId).job },
    order: 1,
    status: 'waiting',
    runId: null,
    addedAt: NOW,
    attempts: 0,
    notBefore: null,
    limits: { seconds: null },
    error: null,
    ...change,
  };
}

const BEST_AND_LAST = { kind: 'best-and-last' } as const;

test('checkpoints of one saving share one state, which goes with the last of them', async () => {
  const database = await openFresh();
  const { id } = await addRun(database, await project(database), {});
  await save(database, id, ['best', 'top-1', 'last']);
  expect(await database.count('states')).toBe(1);
  await save(database, id, ['last']);
  await saveCheckpoints(database, id, [], { drop: ['top-1'] });
  expect(await database.count('states')).toBe(2);
  const states = await Promise.all(
    ['best', 'last'].map(async (slot) => (await getCheckpoint(database, id, slot)).state),
  );
  expect(states.map((state: TrainState) => state.parameters.size)).toEqual([1, 1]);
  await save(database, id, ['best']);
  expect(await database.count('states')).toBe(2);
  expect((await spaceByProject(database))[0].checkpointBytes).toBe(48);
});

/** Rising numbers, so that no piece of it can be in the wrong place unseen. */
function rising(length: number, from: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = from + (i % 1_000_003);
  return values;
}

function expectSame(found: Map<string, Float32Array> | undefined, expected: Map<string, Float32Array>): void {
  expect([...(found?.keys() ?? [])]).toEqual([...expected.keys()]);
  for (const [name, values] of expected) {
    const other = found?.get(name);
    // Element by element, without the test's own comparison, which takes minutes for millions.
    const differs = other?.length !== values.length || values.some((value, i) => value !== other[i]);
    expect(differs, name).toBe(false);
  }
}

test('a state larger than the browser takes in one record is kept, shared and removed like any other', async () => {
  const database = await openFresh();
  const { id } = await addRun(database, await project(database), {});
  const state: TrainState = {
    step: 7,
    parameters: new Map([['a', rising(3, 0)], ['b', rising(9e6, 1)], ['none', rising(0, 0)]]), // prettier-ignore
    ema: new Map([['a', rising(3, 5)], ['b', rising(9e6, 2)]]), // prettier-ignore
    optimizer: new Map([['exp_avg', rising(9e6, 3)], ['exp_avg_sq', rising(9e6, 4)]]), // prettier-ignore
  };
  const [best, last] = ['best', 'last'].map((slot) => ({ ...checkpointOf(id, slot as 'best' | 'last', 1), state }));
  await saveCheckpoints(database, id, [best, last]);
  // 144 MB, once: 4.3 parts of 32 MiB.
  expect(await database.count('stateParts')).toBe(5);
  expect((await spaceByProject(database))[0].checkpointBytes).toBe(4 * (36e6 + 6));
  const found = (await getCheckpoint(database, id, 'best')).state;
  expect(found.step).toBe(7);
  expectSame(found.parameters, state.parameters);
  expectSame(found.ema, state.ema ?? new Map());
  expectSame(found.optimizer, state.optimizer);
  await save(database, id, ['last']);
  expect(await database.count('stateParts')).toBe(5);
  // As a crash would leave it: without its checkpoint.
  await database.delete('checkpoints', best.id);
  expect(await removeOrphans(database)).toMatchObject({ states: 1, bytes: 4 * (36e6 + 6) });
  expect([await database.count('states'), await database.count('stateParts')]).toEqual([1, 0]);
  await saveCheckpoints(database, id, [best]);
  await deleteRun(database, id);
  expect([await database.count('states'), await database.count('stateParts')]).toEqual([0, 0]);
});

test('space of shared states is counted once', async () => {
  const database = await openFresh();
  const { id } = await addRun(database, await project(database), {});
  await save(database, id, ['best', 'top-1', 'epoch-1', 'last']);
  expect((await spaceByProject(database))[0].checkpointBytes).toBe(24);
});

test('a plan shows what would go and what it would free, and changes nothing', async () => {
  const database = await openFresh();
  const ids = await project(database);
  const run = await addRun(database, ids, { name: 'first' });
  await save(database, run.id, ['best', 'top-1']);
  await save(database, run.id, ['epoch-2', 'saved-40']);
  await save(database, run.id, ['top-3', 'last']);
  const plan = await planPrune(database, { projectId: ids.projectId }, BEST_AND_LAST, NOW);
  expect(plan.checkpoints.map(({ slot, runName }) => `${runName} ${slot}`).sort()).toEqual([
    'first epoch-2',
    'first saved-40',
    'first top-1',
    'first top-3',
  ]);
  // Those of 'top-1' and 'top-3' stay with 'best' and 'last'.
  expect(plan.bytes).toBe(24);
  expect(plan.spared).toEqual([]);
  expect(await database.count('checkpoints')).toBe(6);
  expect(await applyPrune(database, plan)).toEqual({ checkpoints: 4, bytes: 24 });
  expect((await slotsOf(database, run.id)).sort()).toEqual(['best', 'last']);
  expect(await database.count('states')).toBe(2);
  expect(await applyPrune(database, plan)).toEqual({ checkpoints: 0, bytes: 0 });
});

test('a rule goes for the runs it is asked for, and only for those that have ended', async () => {
  const database = await openFresh();
  const [ids, others] = [await project(database), await project(database)];
  const slots = ['best', 'epoch-1', 'last'];
  const done = await addRun(database, ids, {});
  const failed = await addRun(database, ids, { status: 'failed' });
  const interrupted = await addRun(database, ids, { status: 'interrupted' });
  const elsewhere = await addRun(database, others, {});
  for (const { id } of [done, failed, interrupted, elsewhere]) await save(database, id, slots);
  const runIds = async (scope: Parameters<typeof planPrune>[1]) =>
    (await planPrune(database, scope, BEST_AND_LAST, NOW)).checkpoints.map(({ runId }) => runId).sort();
  expect(await runIds({ projectId: ids.projectId })).toEqual([done.id, failed.id].sort());
  expect(await runIds({ runId: failed.id })).toEqual([failed.id]);
  expect(await runIds('everything')).toEqual([done.id, failed.id, elsewhere.id].sort());
});

test('checkpoints of some kinds go by their age', async () => {
  const database = await openFresh();
  const { id } = await addRun(database, await project(database), { status: 'interrupted' });
  await save(database, id, ['best', 'epoch-1', 'top-1'], 40);
  await save(database, id, ['epoch-2'], 20);
  await save(database, id, ['saved-9'], 31);
  await save(database, id, ['last'], 40);
  const rule = { kind: 'older', days: 30, kinds: ['epoch', 'saved'] } as const;
  const plan = await planPrune(database, { runId: id }, rule, NOW);
  expect(plan.checkpoints.map(({ slot }) => slot).sort()).toEqual(['epoch-1', 'saved-9']);
  expect(plan.bytes).toBe(24);
});

test.each([
  ['higher', 'b'],
  ['lower', 'c'],
] as const)('of a sweep the best few keep their checkpoints: %s is better', async (better, winner) => {
  const database = await openFresh();
  const ids = await project(database);
  const group = groupOf(ids, better);
  await createGroup(database, group, []);
  const runs = new Map<string, RunRecord>();
  for (const [name, value] of [
    ['a', 0.5],
    ['b', 0.9],
    ['c', 0.1],
    ['d', null],
  ] as const) {
    // prettier-ignore
    const best = value === null ? null : { metric: 'val_loss', value, epoch: 1 };
    runs.set(name, await addRun(database, ids, { name, groupId: group.id, best }));
  }
  const apart = await addRun(database, ids, { name: 'apart' });
  for (const { id } of [...runs.values(), apart]) await save(database, id, ['best', 'last']);
  const plan = await planPrune(database, { projectId: ids.projectId }, { kind: 'group', keep: 1 }, NOW);
  const names = [...new Set(plan.checkpoints.map(({ runName }) => runName))].sort();
  expect(names).toEqual(['a', 'b', 'c', 'd'].filter((name) => name !== winner));
  expect(plan.bytes).toBe(3 * 24);
  // A trial that has still to come may need what the others have left.
  await addToQueue(database, [entryOf(ids, { groupId: group.id })]);
  const open = await planPrune(database, { projectId: ids.projectId }, { kind: 'group', keep: 1 }, NOW);
  expect(open.checkpoints).toEqual([]);
});

test('what is under way or waited for is spared, and said so', async () => {
  const database = await openFresh();
  const ids = await project(database);
  const locked = await addRun(database, ids, { name: 'locked' });
  const extended = await addRun(database, ids, { name: 'extended' });
  const parent = await addRun(database, ids, { name: 'parent' });
  for (const { id } of [locked, extended, parent]) await save(database, id, ['best', 'epoch-1', 'epoch-2', 'last']);
  await addToQueue(database, [
    entryOf(ids, { work: { kind: 'extend', runId: extended.id, epochs: 3 } }),
    entryOf(ids, {
      work: { kind: 'train', job: locked.job, from: { runId: parent.id, slot: 'epoch-2', keep: 'state' } },
    }),
  ]);
  await holdRun(locked.id, async () => {
    const plan = await planPrune(database, { projectId: ids.projectId }, BEST_AND_LAST, NOW);
    expect(plan.checkpoints.map(({ runName, slot }) => `${runName} ${slot}`)).toEqual(['parent epoch-1']);
    expect(plan.spared.map(({ runName, slot, reason }) => `${runName} ${slot} ${reason}`).sort()).toEqual([
      'extended epoch-1 needed',
      'extended epoch-2 needed',
      'locked epoch-1 under-way',
      'locked epoch-2 under-way',
      'parent epoch-2 needed',
    ]);
  });
});

test('a teacher keeps its best for those that have still to learn from it', async () => {
  const database = await openFresh();
  const ids = await project(database);
  const group = groupOf(ids, 'lower');
  await createGroup(database, group, []);
  const teacher = await addRun(database, ids, { name: 'teacher', groupId: group.id });
  await save(database, teacher.id, ['best']);
  await save(database, teacher.id, ['last']);
  const job = { ...teacher.job, distillation: { ...teacher.job.distillation, teacher: `run:${teacher.id}` } };
  await addRun(database, ids, { name: 'pupil', job, status: 'interrupted' });
  const plan = await planPrune(database, { projectId: ids.projectId }, { kind: 'group', keep: 0 }, NOW);
  expect(plan.checkpoints.map(({ slot }) => slot)).toEqual(['last']);
  expect(plan.spared).toMatchObject([{ slot: 'best', reason: 'needed' }]);
});

test('what has changed since the plan was shown stays', async () => {
  const database = await openFresh();
  const ids = await project(database);
  const [replaced, resumed, same] = await Promise.all(['a', 'b', 'c'].map((name) => addRun(database, ids, { name })));
  for (const { id } of [replaced, resumed, same]) await save(database, id, ['epoch-1']);
  const plan = await planPrune(database, { projectId: ids.projectId }, BEST_AND_LAST, NOW);
  expect(plan.checkpoints).toHaveLength(3);
  await save(database, replaced.id, ['epoch-1']);
  await updateRun(database, resumed.id, { status: 'running' });
  expect(await applyPrune(database, plan)).toEqual({ checkpoints: 1, bytes: 24 });
  expect(await slotsOf(database, replaced.id)).toEqual(['epoch-1']);
  expect(await slotsOf(database, resumed.id)).toEqual(['epoch-1']);
  expect(await slotsOf(database, same.id)).toEqual([]);
  await getCheckpoint(database, replaced.id, 'epoch-1');
});

/** A database with one whole project, and rows that belong to nothing. */
async function littered(): Promise<Database> {
  const database = await openFresh();
  const { project: record, version } = await fill(database, 'p', ['used']);
  const run = await addRun(database, { projectId: record.id, versionId: version.id }, {});
  await save(database, run.id, ['best', 'last']);
  await appendEvents(database, run.id, [{ type: 'notice', message: 'kept' }]);
  await addEvaluation(database, evaluationOf(run.id), resultsOf(['a']));
  // An import that was cut off, and a run that was deleted while it was still telling.
  await putBlobs(database, [blobOf('stray')], [{ ...blobOf('thumb'), hash: 'hash-of-stray' }]);
  await database.add('thumbnails', { ...blobOf('t'), hash: 'hash-of-nothing' });
  await database.add('items', { versionId: 'gone', items: [itemOf('stray', 0)], channels: new Float32Array(6) });
  await appendEvents(database, 'gone', [{ type: 'notice', message: '1' }, { type: 'notice', message: '2' }]); // prettier-ignore
  await database.add('states', { checkpointId: 'gone', state: checkpointOf('gone', 'last', 1).state });
  const { state, ...summary } = checkpointOf('gone', 'last', 1);
  await database.add('checkpoints', { ...summary, stateId: 'gone', bytes: 24 });
  expect(state.step).toBe(10);
  const evaluation = evaluationOf('gone');
  await database.add('evaluations', evaluation);
  await database.add('imageResults', { evaluationId: evaluation.id, results: resultsOf(['a']) });
  await database.add('imageResults', { evaluationId: 'nowhere', results: resultsOf(['a']) });
  return database;
}

const LITTER = {
  blobs: 1,
  thumbnails: 2,
  items: 1,
  checkpoints: 1,
  states: 1,
  events: 2,
  evaluations: 1,
  imageResults: 2,
  // 'stray', 'thumb' and 't', and a state.
  bytes: 5 + 5 + 1 + 24,
  importing: false,
};

test('what belongs to nothing is counted, then removed, and nothing else', async () => {
  const database = await littered();
  const kept = { blobs: 1, items: 1, checkpoints: 2, states: 1, events: 1, evaluations: 1, imageResults: 1 };
  expect(await orphans(database)).toEqual(LITTER);
  expect(await orphans(database)).toEqual(LITTER);
  expect(await removeOrphans(database)).toEqual(LITTER);
  for (const [store, count] of Object.entries(kept)) {
    expect(await database.count(store as keyof typeof kept), store).toBe(count);
  }
  expect(await database.getAllKeys('blobs')).toEqual(['hash-of-used']);
  expect(await orphans(database)).toMatchObject({ blobs: 0, states: 0, events: 0, bytes: 0 });
});

test('while an import is under way its images are let be', async () => {
  const database = await littered();
  await navigator.locks.request(IMPORT_LOCK, async () => {
    const found = { blobs: 0, thumbnails: 0, items: 0, states: 1, bytes: 24, importing: true };
    expect(await removeOrphans(database)).toMatchObject(found);
    expect(await database.count('blobs')).toBe(2);
    expect(await database.count('items')).toBe(2);
  });
  expect(await removeOrphans(database)).toMatchObject({ blobs: 1, thumbnails: 2, items: 1, states: 0 });
});
