// Pausing, saving, stopping, extending and restarting with the real workers, with all that a state consists of: averages, a schedule
// and a judge that remember, mixed and drawn images. However a run came to its end, the bits are the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClients } from '$lib/rpc/client';
import type { TrainRequest } from '$lib/rpc/protocol';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import type { CheckpointRecord, RunRecord } from '$lib/storage/records';
import { askRun } from '$lib/storage/run-control';
import { recoverRuns } from '$lib/storage/run-locks';
import { getRun, listRuns } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

/** Where each run is interrupted is drawn anew each time: no step is special. */
const STEPS = 15;
const anyStep = (from = 1): number => from + Math.floor(Math.random() * (STEPS - 1 - from));

const DOCUMENT = {
  training: { epochs: 3, batch_size: 16, sampling: 'balanced', accumulate: 2 },
  ema: { decay: 0.9, warmup: true },
  mix: { mixup: 0.4, cutmix: 1, probability: 0.8 },
  augment: { horizontal_flip: 0.5, rotation: 10 },
  optimizer: { name: 'adamw', learning_rate: 0.02 },
  scheduler: { name: 'plateau', patience: 0, threshold: 0.5, factor: 0.5 },
  validation: { every_epochs: 1, every_steps: 2 },
  checkpoints: { top_k: 2, autosave_seconds: 1 },
};

let bench: Workbench;
/** Of the run that nothing interrupts. */
let whole: RunRecord;
let expected: CheckpointRecord;

beforeAll(async () => {
  bench = await openWorkbench(120);
  whole = await train('whole', () => undefined);
  expected = await getCheckpoint(bench.database, whole.id, 'last');
});

afterAll(() => bench.close());

function train(
  name: string,
  listener: (event: RunEvent) => void,
  more: Partial<TrainRequest> = {},
): Promise<RunRecord> {
  const { version, clients } = bench;
  const request = { projectId: version.projectId, versionId: version.id, job: bench.job(DOCUMENT), name };
  return clients.train.api.train({ ...request, ...more }, listener);
}

async function runNamed(name: string): Promise<RunRecord> {
  const run = (await listRuns(bench.database, bench.version.projectId)).find((candidate) => candidate.name === name);
  if (run === undefined) throw new Error(`no run ${name}`);
  return run;
}

/** The step that an event tells of; 0 for one that tells of none. */
const stepOf = (event: RunEvent): number => (event.type === 'progress' || event.type === 'epoch' ? event.step : 0);

async function expectSameEnd(runId: string, as: CheckpointRecord = expected): Promise<void> {
  const { state, carried, position } = await getCheckpoint(bench.database, runId, 'last');
  expect(state.step).toBe(as.state.step);
  expect(position).toEqual(as.position);
  // Judge, plateau and the best few are part of it.
  expect(carried).toEqual(as.carried);
  expect([...state.parameters.keys()]).toEqual([...as.state.parameters.keys()]);
  for (const [name, values] of as.state.parameters) expect(state.parameters.get(name), name).toEqual(values);
  expect(as.state.ema?.size).toBeGreaterThan(0);
  for (const [name, values] of as.state.ema ?? []) expect(state.ema?.get(name), name).toEqual(values);
  expect(as.state.optimizer.size).toBe(2);
  for (const [name, values] of as.state.optimizer) expect(state.optimizer.get(name), name).toEqual(values);
}

describe('a run with averages, plateau, mixed images and its best few', () => {
  it('has what it is to be interrupted in', async () => {
    expect(whole).toMatchObject({ status: 'done', stepsDone: STEPS });
    expect(expected.carried?.plateau?.factor).toBeLessThan(1);
    const slots = (await listCheckpoints(bench.database, whole.id)).map(({ kind }) => kind);
    expect(slots).toEqual(['best', 'last', 'top', 'top']);
  });

  it('can be paused from another tab, saved meanwhile, and goes on to the same bits', async () => {
    const at = anyStep();
    const told: RunEvent[] = [];
    let runId = '';
    const statuses: string[] = [];
    const run = await train('paused', (event) => {
      told.push(event);
      if (event.type === 'started') runId = event.runId;
      if (stepOf(event) >= at && !told.some(({ type }) => type === 'paused')) {
        askRun(runId, 'save');
        askRun(runId, 'pause');
      }
      if (event.type !== 'paused') return;
      void getRun(bench.database, runId).then(({ status }) => {
        statuses.push(status);
        askRun(runId, 'continue');
      });
    });
    expect(run.status).toBe('done');
    expect(statuses[0]).toBe('paused');
    expect(told.some(({ type }) => type === 'continued')).toBe(true);
    await expectSameEnd(run.id);
  });

  it('that is stopped anywhere goes on to the same bits', async () => {
    const at = anyStep();
    let asked = false;
    const stopped = await train('stopped', (event) => {
      if (asked || stepOf(event) < at) return;
      asked = true;
      void bench.clients.train.api.stop();
    });
    const resumed = await bench.clients.train.api.resume(stopped.id, () => undefined);
    expect(resumed.status, `stopped after ${at}`).toBe('done');
    await expectSameEnd(stopped.id);
  });

  it('whose worker dies anywhere goes on to the same bits', async () => {
    const at = anyStep();
    let killed = false;
    const dying = train('killed', (event) => {
      if (killed || stepOf(event) < at) return;
      killed = true;
      bench.clients.train.terminate();
    });
    await expect(dying).rejects.toMatchObject({ code: 'worker-ended' });
    const { id } = await runNamed('killed');
    // The lock is let go of a moment after the worker's end.
    await expect.poll(async () => (await recoverRuns(bench.database)).map((run) => run.id)).toContain(id);
    expect((await bench.clients.train.api.resume(id, () => undefined)).status, `killed after ${at}`).toBe('done');
    await expectSameEnd(id);
  });

  it('cannot be trained twice, and another connection stops it', async () => {
    const second = createClients();
    try {
      let refused: Promise<unknown> | undefined;
      // Long enough for another worker to start beside it.
      const job = bench.job({ ...DOCUMENT, training: { epochs: 500, batch_size: 16 } });
      const listener = (event: RunEvent): void => {
        if (event.type !== 'progress' || refused !== undefined) return;
        const ask = async (): Promise<unknown> => {
          const { id } = await runNamed('here');
          const error = await second.train.api.resume(id, () => undefined).catch((caught: unknown) => caught);
          const longer = await second.train.api.extend(id, 1, () => undefined).catch((caught: unknown) => caught);
          askRun(id, 'stop');
          return [error, longer];
        };
        refused = ask();
      };
      const run = await train('here', listener, { job });
      expect(await refused).toMatchObject([{ code: 'run-elsewhere' }, { code: 'run-elsewhere' }]);
      expect(run.status).toBe('stopped');
    } finally {
      for (const client of [second.data, second.train, second.infer]) client.terminate();
    }
  });
});

describe('a checkpoint', () => {
  it('of any step begins a new run that ends with the same bits', async () => {
    const { slot, step } = await savedOf(whole.id);
    const from = { runId: whole.id, slot, keep: 'state' } as const;
    const events: RunEvent[] = [];
    const run = await train('restarted', (event) => events.push(event), { from });
    expect(run).toMatchObject({ status: 'done', parent: from, stepsDone: STEPS });
    expect(events[0]).toMatchObject({ type: 'started', fromStep: step });
    await expectSameEnd(run.id);
  });

  it('gives its averages to a run that takes the weights alone', async () => {
    const best = await getCheckpoint(bench.database, whole.id, 'best');
    const from = { runId: whole.id, slot: 'best', keep: 'weights' } as const;
    const job = bench.job({ ...DOCUMENT, optimizer: { name: 'sgd', learning_rate: 0.01 } });
    const events: RunEvent[] = [];
    const run = await train('tuned', (event) => events.push(event), { from, job });
    expect(events[0]).toMatchObject({ type: 'started', fromStep: 0 });
    const { state } = await getCheckpoint(bench.database, run.id, 'saved-0');
    for (const [name, values] of best.state.ema ?? []) expect(state.parameters.get(name), name).toEqual(values);
  });

  it('of another network or rule is refused with what is wrong', async () => {
    const refused = async (document: object, keep: 'state' | 'weights'): Promise<unknown> => {
      const job = bench.job({ ...DOCUMENT, ...document });
      const from = { runId: whole.id, slot: 'last', keep };
      return train('no', () => undefined, { job, from }).catch((error: unknown) => error);
    };
    const wider = { model: { name: 'tiny-cnn', config: { width: 0.5 } } };
    expect(await refused(wider, 'weights')).toMatchObject({ code: 'checkpoint-mismatch' });
    const sgd = { optimizer: { name: 'sgd' }, training: { ...DOCUMENT.training, epochs: 5 } };
    expect(await refused(sgd, 'state')).toMatchObject({ code: 'checkpoint-mismatch' });
    expect(await refused({}, 'state')).toMatchObject({ code: 'nothing-left' });
    const runs = await listRuns(bench.database, bench.version.projectId);
    expect(runs.filter(({ name }) => name === 'no')).toEqual([]);
  });
});

describe('a run that is done', () => {
  it('can be extended, in the same run, to the same bits whether or not that is interrupted', async () => {
    const [smooth, broken] = [await train('smooth', () => undefined), await train('broken', () => undefined)];
    const { api } = bench.clients.train;
    const extended = await api.extend(smooth.id, 2, () => undefined);
    expect(extended).toMatchObject({ status: 'done', segments: [3, 2], stepsDone: 25, epochsDone: 5 });
    const end = await getCheckpoint(bench.database, smooth.id, 'last');
    const at = STEPS + 1 + Math.floor(Math.random() * 8);
    let asked = false;
    const events: RunEvent[] = [];
    const stopped = await api.extend(broken.id, 2, (event) => {
      events.push(event);
      if (asked || stepOf(event) < at) return;
      asked = true;
      askRun(broken.id, 'stop');
    });
    expect(events[0]).toMatchObject({ type: 'started', fromStep: STEPS, epochs: 5 });
    if (stopped.status === 'stopped') await api.resume(broken.id, () => undefined);
    await expectSameEnd(broken.id, end);
  });
});

/** A checkpoint in the middle, from a run of the same job. */
async function savedOf(runId: string): Promise<{ slot: string; step: number }> {
  const all = await listCheckpoints(bench.database, runId);
  const top = all.find(({ kind, position }) => kind === 'top' && position.epoch < 3);
  if (top === undefined) throw new Error('no checkpoint in the middle');
  const { state } = await getCheckpoint(bench.database, runId, top.slot);
  return { slot: top.slot, step: state.step };
}
