// The whole path through the real workers: sample, training, evaluation. WASM, as on a machine without a graphics card.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listCheckpoints } from '$lib/storage/checkpoints';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import type { RunRecord } from '$lib/storage/records';
import { getRun, readEvents } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;
let run: RunRecord;
const events: RunEvent[] = [];

beforeAll(async () => {
  bench = await openWorkbench(240);
});

afterAll(() => bench.close());

it('trains the sample, keeps checkpoints and evaluates the best one on the test images', async () => {
  const { clients, database, version } = bench;
  const job = bench.job({ training: { epochs: 2, batch_size: 16 } });
  const request = { projectId: version.projectId, versionId: version.id, job, name: 'first' };
  run = await clients.train.api.train(request, (event) => events.push(event));
  expect(run).toMatchObject({ status: 'done', epochsDone: 2, device: { backend: 'wasm' } });
  expect(events[0]).toMatchObject({ type: 'started', fromStep: 0, images: { train: 144, val: 48, test: 48 } });
  expect(events.at(-1)).toMatchObject({ type: 'finished', status: 'done' });
  expect((await listCheckpoints(database, run.id)).map(({ kind }) => kind)).toEqual(['best', 'last']);
  const [evaluation] = await listEvaluations(database, run.id);
  expect(evaluation).toMatchObject({ split: 'test', checkpoint: 'best', result: { count: 48 } });
  expect((await getImageResults(database, evaluation.id)).paths).toHaveLength(48);
});

it('keeps the events that the page was sent', async () => {
  const kept = (await readEvents(bench.database, run.id)).map(({ event }) => event);
  const lasting = events.filter(({ type }) => type !== 'progress' && type !== 'validating');
  expect(kept.filter(({ type }) => type !== 'progress')).toEqual(lasting);
  expect((await getRun(bench.database, run.id)).status).toBe('done');
});
