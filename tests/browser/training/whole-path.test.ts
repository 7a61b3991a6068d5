// The whole path through the real workers: sample, training, evaluation. WASM, as on a machine without a graphics card.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SAMPLE_DEFAULTS } from '$lib/data/sample';
import { defaultJob } from '$lib/job/parse';
import type { Job } from '$lib/job/job';
import { summarizeData } from '$lib/job/resolve';
import { MODELS } from '$lib/models/registry';
import { createClients, type Clients } from '$lib/rpc/client';
import { listCheckpoints } from '$lib/storage/checkpoints';
import { openDatabase, type Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import type { DatasetVersionRecord, RunRecord } from '$lib/storage/records';
import { getRun, readEvents } from '$lib/storage/runs';
import { TASKS } from '$lib/tasks/catalog';
import type { RunEvent } from '$lib/training/events';

let clients: Clients;
let database: Database;
let version: DatasetVersionRecord;
let job: Job;
let run: RunRecord;
const events: RunEvent[] = [];

beforeAll(async () => {
  clients = createClients();
  database = await openDatabase();
  const { versionId } = await clients.data.api.import(
    {
      taskId: 'import',
      projectId: null,
      projectName: 'Shapes',
      source: { ...SAMPLE_DEFAULTS, images: 240 },
      split: { source: 'fractions', val: 0.2, test: 0.2, stratified: true, seed: 0 },
    },
    () => undefined,
  );
  version = await getVersion(database, versionId);
  const fresh = defaultJob({ models: MODELS, tasks: TASKS, data: summarizeData(version) });
  job = { ...fresh, training: { epochs: 2, batch_size: 16 }, engine: { name: 'auto', device: 'wasm' } };
});

afterAll(() => {
  for (const client of [clients.data, clients.train, clients.infer]) client.terminate();
  database.close();
});

it('trains the sample, keeps checkpoints and evaluates the best one on the test images', async () => {
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
  const kept = (await readEvents(database, run.id)).map(({ event }) => event);
  const lasting = events.filter(({ type }) => type !== 'progress' && type !== 'validating');
  expect(kept.filter(({ type }) => type !== 'progress')).toEqual(lasting);
  expect((await getRun(database, run.id)).status).toBe('done');
});
