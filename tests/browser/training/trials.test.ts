// What a person asks of a job before a run, with the real workers: rates, batch sizes, memory, the ops of a step. No run comes of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchSizeTrial } from '$lib/rpc/protocol';
import { listRuns } from '$lib/storage/runs';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench(120);
});

afterAll(() => bench.close());

function request(document: object = {}) {
  const { version } = bench;
  const job = bench.job(document);
  return { projectId: version.projectId, versionId: version.id, job, name: '', taskId: crypto.randomUUID() };
}

const api = () => bench.clients.train.api;

describe('a job that is tried out', () => {
  it('has a range test whose suggestion lies in its curve', async () => {
    const rates: number[] = [];
    const found = await api().rangeTest({ ...request(), steps: 80 }, ({ rate, total }) => {
      rates.push(rate);
      expect(total).toBe(80);
    });
    expect(rates).toEqual(found.points.map(({ rate }) => rate));
    expect(found.points.length).toBeGreaterThan(40);
    expect(found.suggestion).toBeGreaterThan(1e-5);
    expect(found.suggestion).toBeLessThan(found.diverged ?? 10);
    // The same test, the same curve.
    const again = await api().rangeTest({ ...request(), steps: 80 }, () => undefined);
    expect(again).toEqual(found);
  });

  it('has batch sizes timed up to the largest that is wanted', async () => {
    const heard: BatchSizeTrial[] = [];
    const found = await api().batchSizes({ ...request(), largest: 16 }, (trial) => heard.push(trial));
    expect(found.trials).toEqual(heard);
    expect(heard.map(({ batchSize }) => batchSize)).toEqual([4, 8, 16]);
    expect(heard.every(({ imagesPerSecond, memoryBytes }) => (imagesPerSecond ?? 0) > 0 && memoryBytes !== null)).toBe(
      true,
    );
    expect(heard.map(({ batchSize }) => batchSize)).toContain(found.suggestion);
    expect(found.reason).toMatch(/\.$/);
    expect(found.device.backend).toBe('wasm');
  });

  it('has its memory told, with the grant where it is asked for', async () => {
    const { job, versionId } = request();
    const known = await api().memory({ job, versionId, probe: false });
    expect(known.granted).toBeNull();
    expect(known.needed).toBeGreaterThan(known.fixed);
    const asked = await api().memory({ job, versionId, probe: true });
    expect(asked).toMatchObject({ needed: known.needed, granted: known.needed, accumulate: 1 });
    // Four thousand images of this size would take more than 32-bit addresses reach.
    const large = request({ training: { batch_size: 4096 }, preprocess: { image_size: 128 } });
    const wide = await api().memory({ job: large.job, versionId, probe: true });
    expect(wide.granted).toBeLessThan(wide.needed);
    expect(wide.accumulate).toBeGreaterThan(1);
  });

  it('has a step profiled by op', async () => {
    const profile = await api().profile(request());
    expect(profile.total).toBeGreaterThan(0);
    expect(profile.kernels.length).toBeGreaterThan(5);
    expect(profile.kernels.some(({ name }) => /conv/i.test(name))).toBe(true);
    expect(profile.device.backend).toBe('wasm');
  });

  it('can be cancelled, and has the worker for itself', async () => {
    const long = { ...request(), steps: 5000 };
    let busy: Promise<unknown> | undefined;
    const testing = api().rangeTest(long, ({ done }) => {
      if (done < 3) return;
      busy ??= api()
        .profile(request())
        .catch((error: unknown) => error)
        .finally(() => void api().cancel(long.taskId));
    });
    await expect(testing).rejects.toMatchObject({ code: 'cancelled' });
    expect(await busy).toMatchObject({ code: 'already-training' });
  });

  it('leaves no run behind', async () => {
    expect(await listRuns(bench.database, bench.version.projectId)).toEqual([]);
  });
});
