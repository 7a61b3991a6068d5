// Stopping, crashing and going on, with the real workers: whatever happened in between, the weights end up the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainState } from '$lib/engines/contract';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import type { RunRecord } from '$lib/storage/records';
import { recoverRuns } from '$lib/storage/run-locks';
import { currentEvents } from '$lib/storage/run-history';
import { getRun, listRuns, readEvents } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;
/** Of the run that nothing interrupts. */
let expected: TrainState;

beforeAll(async () => {
  bench = await openWorkbench(120);
  const { id } = await train('whole', () => undefined);
  expected = (await getCheckpoint(bench.database, id, 'last')).state;
});

afterAll(() => bench.close());

function train(name: string, listener: (event: RunEvent) => void, document: object = {}): Promise<RunRecord> {
  const { version, clients } = bench;
  const request = { projectId: version.projectId, versionId: version.id, job: bench.job(document), name };
  return clients.train.api.train(request, listener);
}

async function runNamed(name: string): Promise<RunRecord> {
  const run = (await listRuns(bench.database, bench.version.projectId)).find((candidate) => candidate.name === name);
  if (run === undefined) throw new Error(`no run ${name}`);
  return run;
}

async function expectSameBits(runId: string): Promise<void> {
  const { state } = await getCheckpoint(bench.database, runId, 'last');
  expect(state.step).toBe(expected.step);
  for (const [name, values] of expected.parameters) expect(state.parameters.get(name), name).toEqual(values);
  for (const [name, values] of expected.optimizer) expect(state.optimizer.get(name), name).toEqual(values);
}

describe('a run', () => {
  it('that is stopped keeps its checkpoints, is evaluated, and goes on to the same bits', async () => {
    let asked = false;
    const stopped = await train('stopped', (event) => {
      if (asked || (event.type !== 'progress' && event.type !== 'epoch')) return;
      asked = true;
      void bench.clients.train.api.stop();
    });
    expect(stopped.status).toBe('stopped');
    expect(stopped.stepsDone).toBeLessThan(expected.step);
    expect((await listCheckpoints(bench.database, stopped.id)).map(({ kind }) => kind)).toEqual(['best', 'last']);

    const events: RunEvent[] = [];
    const resumed = await bench.clients.train.api.resume(stopped.id, (event) => events.push(event));
    expect(events[0]).toMatchObject({ type: 'started', fromStep: stopped.stepsDone });
    expect(resumed.status).toBe('done');
    await expectSameBits(stopped.id);
    const kept = currentEvents((await readEvents(bench.database, stopped.id)).map(({ event }) => event));
    expect(kept.flatMap((event) => (event.type === 'epoch' ? [event.epoch] : []))).toEqual([1, 2, 3]);
  });

  it('whose worker dies is marked as interrupted and goes on to the same bits', async () => {
    let killed = false;
    const dying = train('killed', (event) => {
      if (killed || event.type !== 'checkpoint' || event.kind !== 'last') return;
      killed = true;
      bench.clients.train.terminate();
    });
    await expect(dying).rejects.toMatchObject({ code: 'worker-ended' });
    const { id, status } = await runNamed('killed');
    expect(status).toBe('running');
    expect((await recoverRuns(bench.database)).map((run) => run.id)).toContain(id);
    expect((await getRun(bench.database, id)).status).toBe('interrupted');
    const resumed = await bench.clients.train.api.resume(id, () => undefined);
    expect(resumed).toMatchObject({ status: 'done', epochsDone: 3, error: null });
    await expectSameBits(id);
  });

  it('that is under way is not taken for interrupted, and is not trained twice', async () => {
    let seen: Promise<unknown> | undefined;
    const events: RunEvent[] = [];
    await train('busy', (event) => {
      events.push(event);
      seen ??= Promise.all([
        recoverRuns(bench.database),
        train('second', () => undefined).catch((error: unknown) => error),
      ]);
    });
    expect(await seen).toMatchObject([[], { code: 'already-training' }]);
  });

  it('that is done has nothing left to train', async () => {
    const { id } = await runNamed('whole');
    await expect(bench.clients.train.api.resume(id, () => undefined)).rejects.toMatchObject({ code: 'run-done' });
    expect((await getRun(bench.database, id)).status).toBe('done');
  });

  it('whose loss explodes fails with advice, and says so in its record', async () => {
    // Weights are multiplied by 1 - 10 * 10 at every step until they overflow.
    const optimizer = { name: 'sgd', learning_rate: 10, weight_decay: 10 };
    const document = { optimizer, scheduler: { name: 'constant' }, training: { epochs: 20, batch_size: 16 } };
    const failing = train('failing', () => undefined, document);
    // Which of the two is seen first depends on when a checkpoint is due.
    const code = expect.stringMatching(/^(loss-exploded|state-not-finite)$/) as string;
    await expect(failing).rejects.toMatchObject({ code });
    const run = await runNamed('failing');
    expect(run).toMatchObject({ status: 'failed', error: { code } });
    const last = (await readEvents(bench.database, run.id)).at(-1);
    expect(last?.event).toMatchObject({
      type: 'failed',
      error: { hint: expect.stringContaining('learning_rate') as string },
    });
  });
});
