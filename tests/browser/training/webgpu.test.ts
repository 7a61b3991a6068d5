// A run on WebGPU. The adapter may be software, so the net and the data are tiny; what counts is that the loop's reading of losses
// behind the steps, stopping and going on work there too.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getCheckpoint } from '$lib/storage/checkpoints';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench(36);
});

afterAll(() => bench.close());

it('trains, stops and goes on with WebGPU', async () => {
  const job = bench.job({ training: { epochs: 1, batch_size: 12 }, engine: { device: 'webgpu' } });
  const request = { projectId: bench.version.projectId, versionId: bench.version.id, job, name: 'webgpu' };
  const { train } = bench.clients;
  const events: RunEvent[] = [];
  const stopped = await train.api.train(request, (event) => {
    events.push(event);
    if (event.type === 'started') void train.api.stop();
  });
  expect(stopped).toMatchObject({ status: 'stopped', device: { backend: 'webgpu' } });
  const done = await train.api.resume(stopped.id, (event) => events.push(event));
  expect(done).toMatchObject({ status: 'done', epochsDone: 1, stepsDone: 2 });
  const { state } = await getCheckpoint(bench.database, done.id, 'last');
  expect(state.step).toBe(2);
  expect([...state.parameters.values()].every((values) => values.every(Number.isFinite))).toBe(true);
  const losses = events.flatMap((event) => (event.type === 'progress' ? [event.loss] : []));
  expect(losses.every((loss) => loss > 0 && loss < 5)).toBe(true);
});
