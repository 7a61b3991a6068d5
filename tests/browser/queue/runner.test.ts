// The queue with a real database and a trainer that trains nothing: turns, failures, what a closed tab left, successive halving.
import { expect, onTestFinished, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { defaultJob } from '$lib/job/parse';
import { MODELS } from '$lib/models/registry';
import { newEntry } from '$lib/queue/entry';
import { createSweep } from '$lib/queue/jobs';
import { QueueRunner, type Trainer, type TurnOutcome } from '$lib/state/queue-runner';
import type { Database } from '$lib/storage/database';
import { addRung, createGroup, deleteGroup, getGroup, listGroups } from '$lib/storage/groups';
import { deleteProject } from '$lib/storage/projects';
import { addToQueue, cancelWaiting, claimTurn, listQueue, removeFromQueue, updateEntry } from '$lib/storage/queue';
import type { QueueRecord, RunRecord, SweepSpecification } from '$lib/storage/records';
import { holdRun } from '$lib/storage/run-locks';
import { createRun, getRun, updateRun } from '$lib/storage/runs';
import { TASKS } from '$lib/tasks/catalog';
import { fill, openFresh } from '../storage/open';
import { runOf } from '../storage/runs';

const CATALOG = { models: MODELS, tasks: TASKS };
const ACCURACY = { name: 'val_accuracy', better: 'higher' } as const;

interface Bench {
  database: Database;
  projectId: string;
  versionId: string;
  runner: QueueRunner;
  /** What was asked of the trainer, in order. */
  asked: string[];
  clock: { now: number };
  /** Thrown by the next calls, first to last; null: no error. */
  errors: (string | null)[];
  add(...names: string[]): Promise<QueueRecord[]>;
  statuses(): Promise<string[]>;
}

/** `valueOf` gives a run's best value after so many epochs. */
async function open(valueOf: (run: RunRecord, epochs: number) => number = () => 0.5): Promise<Bench> {
  const database = await openFresh();
  const { project, version } = await fill(database, 'flowers', ['one', 'two']);
  const asked: string[] = [];
  const errors: (string | null)[] = [];
  const clock = { now: 1_000_000 };
  const place = { projectId: project.id, versionId: version.id };

  async function end(run: RunRecord, epochsDone: number): Promise<RunRecord> {
    const code = errors.shift() ?? null;
    if (code !== null) {
      await updateRun(database, run.id, { status: 'failed' });
      throw new TrainyardError(code, `It failed with ${code}.`, 'Hope.');
    }
    const value = valueOf(run, epochsDone);
    const best = { metric: 'val_accuracy', value, epoch: 1 };
    return updateRun(database, run.id, { status: 'done', epochsDone, best });
  }

  const trainer: Trainer = {
    async start({ job, name, groupId, variant }, onStarted) {
      asked.push(`start ${name}`);
      // Each later than the one before, as real ones are.
      const run = { ...runOf(place.projectId, place.versionId), job, name, groupId, variant, createdAt: clock.now++ };
      await createRun(database, run);
      onStarted(run.id);
      return end(run, job.training.epochs);
    },
    async resume(runId, onStarted) {
      const run = await getRun(database, runId);
      asked.push(`resume ${run.name}`);
      onStarted(runId);
      return end(run, run.epochsDone);
    },
    async extend(runId, epochs, onStarted) {
      const run = await getRun(database, runId);
      asked.push(`extend ${run.name} by ${epochs}`);
      onStarted(runId);
      return end(run, run.epochsDone + epochs);
    },
  };
  return {
    database,
    ...place,
    runner: new QueueRunner(database, trainer, { now: () => clock.now }),
    asked,
    clock,
    errors,
    async add(...names) {
      const job = defaultJob(CATALOG);
      const entries = names.map((name, order): QueueRecord => ({
        ...newEntry({ ...place, name, order }),
        work: { kind: 'train', job },
      }));
      await addToQueue(database, entries);
      return entries;
    },
    statuses: async () => (await listQueue(database)).map(({ name, status }) => `${name} ${status}`),
  };
}

async function drain(runner: QueueRunner): Promise<TurnOutcome> {
  for (;;) {
    const outcome = await runner.turn();
    if ('until' in outcome) return outcome;
  }
}

test('entries run one after the other in their order, each once', async () => {
  const { runner, asked, add, statuses } = await open();
  await add('a', 'b', 'c');
  expect(await drain(runner)).toEqual({ until: null });
  expect(asked).toEqual(['start a', 'start b', 'start c']);
  expect(await statuses()).toEqual(['a done', 'b done', 'c done']);
});

test('an entry knows its run', async () => {
  const { database, runner, add } = await open();
  await add('a');
  await drain(runner);
  const [{ runId }] = await listQueue(database);
  expect((await getRun(database, runId ?? '')).name).toBe('a');
});

test('a passing failure is tried again later with the same run, and others pass it', async () => {
  const { database, runner, asked, add, errors, clock, statuses } = await open();
  errors.push('device-lost');
  await add('a', 'b');
  const { until } = (await drain(runner)) as { until: number };
  expect(asked).toEqual(['start a', 'start b']);
  expect(until).toBeGreaterThan(clock.now);
  expect(await statuses()).toEqual(['a waiting', 'b done']);
  expect((await listQueue(database))[0]).toMatchObject({ attempts: 1, error: { code: 'device-lost' } });
  clock.now = until;
  await drain(runner);
  expect(asked.at(-1)).toBe('resume a');
  expect(await statuses()).toEqual(['a done', 'b done']);
});

test('a run that fails for its own fault is not tried again, and does not hold up the others', async () => {
  const { runner, asked, add, errors, statuses } = await open();
  errors.push('loss-not-finite');
  await add('a', 'b');
  await drain(runner);
  expect(asked).toEqual(['start a', 'start b']);
  expect(await statuses()).toEqual(['a failed', 'b done']);
});

test('what a closed tab left goes on with its run', async () => {
  const { database, projectId, versionId, runner, asked, add, statuses } = await open();
  const [{ id }] = await add('a');
  const run = { ...runOf(projectId, versionId), name: 'a', status: 'interrupted' as const };
  await createRun(database, run);
  await claimTurn(database, id);
  await updateEntry(database, id, { runId: run.id });
  await drain(runner);
  expect(asked).toEqual(['resume a']);
  expect(await statuses()).toEqual(['a done']);
});

test('what a closed tab left before its run began begins', async () => {
  const { database, runner, asked, add } = await open();
  const [{ id }] = await add('a');
  await claimTurn(database, id);
  await drain(runner);
  expect(asked).toEqual(['start a']);
});

test('a run that was over when the tab was closed is not trained again', async () => {
  const { database, projectId, versionId, runner, asked, add, statuses } = await open();
  const [{ id }] = await add('a');
  const run = { ...runOf(projectId, versionId), status: 'stopped' as const };
  await createRun(database, run);
  await claimTurn(database, id);
  await updateEntry(database, id, { runId: run.id });
  await drain(runner);
  expect(asked).toEqual([]);
  expect(await statuses()).toEqual(['a done']);
});

test('the queue waits while somebody’s own run has the device', async () => {
  const { runner, asked, add } = await open();
  await add('a');
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const holding = holdRun(crypto.randomUUID(), () => held);
  onTestFinished(() => release());
  await expect.poll(async () => (await navigator.locks.query()).held?.length).toBeGreaterThan(0);
  expect(await runner.turn()).toEqual({ until: null });
  expect(asked).toEqual([]);
  release();
  await holding;
  await drain(runner);
  expect(asked).toEqual(['start a']);
});

test('an entry that has the turn cannot be removed, one that waits can, and neither is given a turn twice', async () => {
  const { database, add, statuses } = await open();
  const [a, b] = await add('a', 'b');
  expect(await claimTurn(database, a.id)).toBe(true);
  expect(await claimTurn(database, a.id)).toBe(false);
  await expect(removeFromQueue(database, [b.id, a.id])).rejects.toMatchObject({ code: 'queue-running' });
  // The whole removal was one transaction.
  expect(await statuses()).toEqual(['a running', 'b waiting']);
  await removeFromQueue(database, [b.id]);
  expect(await statuses()).toEqual(['a running']);
  expect(await updateEntry(database, b.id, { order: 3 })).toBeNull();
});

const SPACE = { 'optimizer.learning_rate': { kind: 'log_uniform', minimum: 1e-4, maximum: 1e-1 } } as const;

async function addSweep({ database, projectId, versionId }: Bench, sweep: SweepSpecification) {
  const request = { projectId, versionId, job: defaultJob(CATALOG), sweep, metric: ACCURACY, order: 1 };
  const { group, entries } = createSweep(request, CATALOG);
  await createGroup(database, group, entries);
  return group;
}

test('successive halving trains all a little and the best ones on, and ends', async () => {
  // The later trial is the better one.
  const order: string[] = [];
  const bench = await open((run) => {
    if (!order.includes(run.name)) order.push(run.name);
    return order.indexOf(run.name) / 10;
  });
  const group = await addSweep(bench, {
    method: 'halving',
    space: SPACE,
    trials: 9,
    seed: 3,
    minimum: 1,
    maximum: 9,
    factor: 3,
  });
  await drain(bench.runner);
  const [last, before, third] = order.toReversed();
  expect(bench.asked).toHaveLength(9 + 3 + 1);
  expect(bench.asked.slice(9)).toEqual([
    `extend ${last} by 2`,
    `extend ${before} by 2`,
    `extend ${third} by 2`,
    `extend ${last} by 6`,
  ]);
  const runs = await bench.database.getAll('runs');
  expect(runs.map(({ epochsDone }) => epochsDone).toSorted()).toEqual([1, 1, 1, 1, 1, 1, 3, 3, 9]);
  expect(runs.every(({ groupId, variant }) => groupId === group.id && variant !== undefined)).toBe(true);
  const { rungs } = await getGroup(bench.database, group.id);
  expect(rungs.map(({ epochs, survivors }) => [epochs, survivors.length])).toEqual([
    [1, 3],
    [3, 1],
  ]);
});

test('a trial that failed does not go on, and does not keep the others from it', async () => {
  const bench = await open();
  bench.errors.push(null, 'loss-not-finite');
  await addSweep(bench, { method: 'halving', space: SPACE, trials: 3, seed: 3, minimum: 1, maximum: 3, factor: 3 });
  await drain(bench.runner);
  expect(bench.asked.filter((text) => text.startsWith('extend'))).toEqual([
    `${bench.asked[0].replace('start', 'extend')} by 2`,
  ]);
});

test('a sweep of which something was cancelled begins no further rung', async () => {
  const bench = await open();
  const group = await addSweep(bench, {
    method: 'halving',
    space: SPACE,
    trials: 3,
    seed: 3,
    minimum: 1,
    maximum: 3,
    factor: 3,
  });
  await bench.runner.turn();
  expect(await cancelWaiting(bench.database, (entry) => entry.groupId === group.id)).toBe(2);
  await drain(bench.runner);
  expect(bench.asked).toHaveLength(1);
});

test('a rung is begun once, by whoever was first', async () => {
  const bench = await open();
  const { database } = bench;
  const { id } = await addSweep(bench, {
    method: 'halving',
    space: SPACE,
    trials: 3,
    seed: 3,
    minimum: 1,
    maximum: 3,
    factor: 3,
  });
  const done = { epochs: 1, survivors: [] };
  expect(await addRung(database, id, { rungs: 0, done, entries: [] })).toBe(true);
  expect(await addRung(database, id, { rungs: 0, done, entries: [] })).toBe(false);
  expect((await getGroup(database, id)).rungs).toHaveLength(1);
});

test('a deleted group leaves its runs, a deleted project nothing', async () => {
  const bench = await open();
  const { database, projectId } = bench;
  const group = await addSweep(bench, { method: 'grid', values: { seed: [1, 2] } });
  await addSweep(bench, { method: 'folds', folds: 2 });
  await bench.runner.turn();
  await deleteGroup(database, group.id);
  const [run] = await database.getAll('runs');
  expect(run.groupId).toBeUndefined();
  expect(await database.count('queue')).toBe(2);
  expect(await listGroups(database, projectId)).toHaveLength(1);
  await deleteProject(database, projectId);
  expect([await database.count('groups'), await database.count('queue'), await database.count('runs')]).toEqual([
    0, 0, 0,
  ]);
});

test('a sweep over a value that the schema refuses stores nothing and names the run', async () => {
  const bench = await open();
  await expect(addSweep(bench, { method: 'grid', values: { 'training.epochs': [1, -1] } })).rejects.toMatchObject({
    code: 'sweep-invalid',
    message: expect.stringContaining('The run "epochs -1" cannot be: training.epochs') as string,
  });
  expect(await bench.database.count('groups')).toBe(0);
});
