// A device that is lost or has no memory left in the middle of a run: the run goes on by itself, in more parts where it must, and as
// far as the device lets it with the same bits. The engine is the real one with faults put in.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import type { CheckpointRecord, RunRecord } from '$lib/storage/records';
import { getRun, listRuns } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { resumeRun, startRun, type NewRun } from '$lib/training/run';
import { faulty, lostDevice, noMemory, toolsHere, type Faults } from './here';
import { openWorkbench, type Workbench } from './workbench';

const DOCUMENT = {
  training: { epochs: 3, batch_size: 16 },
  ema: { decay: 0.9 },
  mix: { mixup: 0.4 },
  checkpoints: { every_epochs: 1 },
};
const STEPS = 15;

let bench: Workbench;
let expected: CheckpointRecord;
let wholeId: string;

beforeAll(async () => {
  bench = await openWorkbench(120);
  const whole = await train('whole');
  wholeId = whole.id;
  expected = await getCheckpoint(bench.database, wholeId, 'last');
});

afterAll(() => bench.close());

interface Heard {
  events: RunEvent[];
}

function train(
  name: string,
  faults: Faults = {},
  { document = {}, heard = { events: [] }, ...more }: Partial<NewRun> & { document?: object; heard?: Heard } = {},
): Promise<RunRecord> {
  const { version, database } = bench;
  const job = bench.job({ ...DOCUMENT, ...document });
  const request = { projectId: version.projectId, versionId: version.id, job, name, ...more };
  const tools = toolsHere(database, (event) => heard.events.push(event));
  return startRun(request, { ...tools, engine: async (device) => faulty(await createBrowserEngine(device), faults) });
}

async function expectSame(runId: string, as: CheckpointRecord): Promise<void> {
  const { state } = await getCheckpoint(bench.database, runId, 'last');
  expect(state.step).toBe(as.state.step);
  for (const part of ['parameters', 'ema', 'optimizer'] as const) {
    expect(as.state[part]?.size).toBeGreaterThan(0);
    for (const [key, values] of as.state[part] ?? []) expect(state[part]?.get(key), `${part} ${key}`).toEqual(values);
  }
}

const types = ({ events }: Heard): string[] => events.map(({ type }) => type);

describe('a lost device', () => {
  it('at any step costs no bit', async () => {
    const at = Math.floor(Math.random() * STEPS);
    const heard: Heard = { events: [] };
    let losses = 0;
    const step = (number: number): void => {
      if (number === at && losses++ === 0) throw lostDevice();
    };
    const run = await train('lost', { step }, { heard });
    expect(run.status, `lost at step ${at}`).toBe('done');
    expect(types(heard).filter((type) => type === 'started')).toHaveLength(2);
    expect(heard.events.find(({ type }) => type === 'away')).toMatchObject({ reason: 'lost-device' });
    await expectSame(run.id, expected);
  });

  it('again and again is given up, with what was reached, from where a later day goes on', async () => {
    let broken = true;
    let renewals = 0;
    const faults = {
      step(number: number) {
        if (number === 7 && broken) throw lostDevice();
      },
      renewed: () => renewals++,
    };
    await expect(train('hopeless', faults)).rejects.toMatchObject({ code: 'device-lost' });
    // Three, and one more where the checkpoint of the first epoch was on its way when the device went: that is something new.
    expect([3, 4]).toContain(renewals);
    const run = (await listRuns(bench.database, bench.version.projectId)).find(({ name }) => name === 'hopeless');
    if (run === undefined) throw new Error('no run');
    expect(run).toMatchObject({ status: 'failed', error: { code: 'device-lost' }, epochsDone: 1 });
    broken = false;
    expect(await resumeRun(run.id, toolsHere(bench.database))).toMatchObject({ status: 'done', error: null });
    await expectSame(run.id, expected);
  });
});

describe('memory that runs out', () => {
  it('has the rest of the run computed in more parts, from the very step', async () => {
    const heard: Heard = { events: [] };
    const step = (number: number, accumulate: number): void => {
      if (number >= 5 && accumulate < 4) throw noMemory();
    };
    const run = await train('short', { step }, { heard });
    expect(run).toMatchObject({ status: 'done', adapted: { accumulate: 4 } });
    const adapted = heard.events.filter((event) => event.type === 'adapted');
    expect(adapted).toMatchObject([
      { step: 5, accumulate: 2 },
      { step: 5, accumulate: 4 },
    ]);
    // As a run does that is asked to from that step on: batch norms see parts, so it is not what an undivided batch gives.
    const from = { runId: wholeId, slot: 'epoch-1', keep: 'state' } as const;
    const parts = { training: { ...DOCUMENT.training, accumulate: 4 } };
    const asked = await train('asked', {}, { document: parts, from });
    await expectSame(run.id, await getCheckpoint(bench.database, asked.id, 'last'));
  });

  it('down to single images fails with that error', async () => {
    const step = (number: number): void => {
      if (number >= 2) throw noMemory();
    };
    await expect(train('never', { step })).rejects.toMatchObject({ code: 'out-of-memory' });
    const run = (await listRuns(bench.database, bench.version.projectId)).find(({ name }) => name === 'never');
    expect(run).toMatchObject({ status: 'failed', adapted: { accumulate: 16 } });
    const slots = await listCheckpoints(bench.database, run?.id ?? '');
    expect(slots.find(({ slot }) => slot === 'last')).toMatchObject({ position: { epoch: 0, stepInEpoch: 2 } });
  });
});

describe('before a run', () => {
  it('a batch that does not fit is divided, and all who ask are told', async () => {
    const heard: Heard = { events: [] };
    // A quarter of the images fit, beside all that does not depend on them.
    const grants = (wanted: number): number => wanted * 0.45;
    const run = await train('divided', { grants }, { heard });
    const memory = heard.events.find((event) => event.type === 'memory');
    if (memory === undefined) throw new Error('nothing was told');
    expect(memory).toMatchObject({ batchSize: 16 });
    expect(memory.accumulate).toBeGreaterThan(1);
    expect(run.adapted).toMatchObject({ accumulate: memory.accumulate });
    expect(heard.events.find((event) => event.type === 'adapted')).toMatchObject({ accumulate: memory.accumulate });
    const notice = heard.events.find((event) => event.type === 'notice' && event.message.includes('parts'));
    expect(notice).toMatchObject({ level: 'warning' });
    const parts = { training: { ...DOCUMENT.training, accumulate: memory.accumulate } };
    const asked = await train('as asked', {}, { document: parts });
    await expectSame(run.id, await getCheckpoint(bench.database, asked.id, 'last'));
    // Going on later keeps to it.
    expect((await getRun(bench.database, run.id)).adapted).toEqual(run.adapted);
  });

  it('a model of which no image fits is refused, unless nobody is to look', async () => {
    const grants = (): number => 1000;
    await expect(train('large', { grants })).rejects.toMatchObject({ code: 'memory-short' });
    const unseen = { engine: { device: 'wasm', memory_check: false } };
    expect((await train('unseen', { grants }, { document: unseen })).status).toBe('done');
  });
});
