// A graphics device that is lost in the middle of a run, for real: the run goes on by itself on a new one and ends with the same bits.
// The adapter may be software, so the net and the data are tiny.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { createPool } from '$lib/pipeline/pool';
import { getCheckpoint } from '$lib/storage/checkpoints';
import { readEvents } from '$lib/storage/runs';
import type { RunRecord } from '$lib/storage/records';
import { createControl } from '$lib/training/control';
import type { RunEvent } from '$lib/training/events';
import { startRun } from '$lib/training/run';
import { spawnDecodeWorker } from '$workers/spawn-decode';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;
/** The device that was asked for last. */
let device: GPUDevice | null = null;

beforeAll(async () => {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, ...options) {
    device = await requestDevice.apply(this, options);
    return device;
  };
  bench = await openWorkbench(60);
});

afterAll(() => bench.close());

/** In this thread, whose device can be taken away. */
function train(name: string, listener: (event: RunEvent) => void): Promise<RunRecord> {
  const { version, database } = bench;
  const job = bench.job({
    training: { epochs: 2, batch_size: 12 },
    ema: { decay: 0.9 },
    engine: { device: 'webgpu' },
    checkpoints: { autosave_seconds: 1 },
  });
  return startRun(
    { projectId: version.projectId, versionId: version.id, job, name },
    {
      database,
      engine: createBrowserEngine,
      pool: () => createPool({ spawn: spawnDecodeWorker }),
      evaluate: () => Promise.resolve(null),
      listener,
      control: createControl().control,
    },
  );
}

it('goes on by itself and ends with the same bits', async () => {
  const whole = await train('whole', () => undefined);
  const expected = await getCheckpoint(bench.database, whole.id, 'last');
  let destroyed = 0;
  const events: RunEvent[] = [];
  const run = await train('lost', (event) => {
    events.push(event);
    if (event.type === 'progress' && event.step >= 4 && destroyed === 0) {
      destroyed++;
      device?.destroy();
    }
  });
  expect(destroyed).toBe(1);
  expect(run).toMatchObject({ status: 'done', stepsDone: expected.state.step });
  expect(events.filter(({ type }) => type === 'started')).toHaveLength(2);
  expect(events.find(({ type }) => type === 'away')).toMatchObject({ reason: 'lost-device' });
  const last = await getCheckpoint(bench.database, run.id, 'last');
  for (const part of ['parameters', 'ema', 'optimizer'] as const) {
    for (const [name, values] of expected.state[part] ?? []) expect(last.state[part]?.get(name), name).toEqual(values);
  }
  const kept = (await readEvents(bench.database, run.id)).map(({ event }) => event.type);
  expect(kept).toContain('away');
  // Software shaders are compiled three times.
}, 300_000);
