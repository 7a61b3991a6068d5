// What the browser tests of training share: the workers, a small generated data set in the database, a quick job. Not a test.
import { SAMPLE_DEFAULTS } from '$lib/data/sample';
import type { Job } from '$lib/job/job';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { MODELS } from '$lib/models/registry';
import { createClients, type Clients } from '$lib/rpc/client';
import { openDatabase, type Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import type { DatasetVersionRecord } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';

export interface Workbench {
  clients: Clients;
  database: Database;
  version: DatasetVersionRecord;
  /** A complete job for the data set. WASM, as on a machine without a graphics card. */
  job(document?: object): Job;
  close(): void;
}

export async function openWorkbench(images: number, fractions = { val: 0.2, test: 0.2 }): Promise<Workbench> {
  const clients = createClients();
  const database = await openDatabase();
  const { versionId } = await clients.data.api.import(
    {
      taskId: 'import',
      projectId: null,
      projectName: 'Shapes',
      source: { ...SAMPLE_DEFAULTS, images },
      split: { source: 'fractions', ...fractions, stratified: true, seed: 0 },
    },
    () => undefined,
  );
  const version = await getVersion(database, versionId);
  return {
    clients,
    database,
    version,
    job(document = {}) {
      const quick = {
        model: { name: 'tiny-cnn', config: { width: 0.25 } },
        training: { epochs: 3, batch_size: 16 },
        preprocess: { image_size: 16 },
        engine: { device: 'wasm' },
      };
      const context = { models: MODELS, tasks: TASKS, data: summarizeData(version) };
      return parseJob({ ...quick, ...document }, context).job;
    },
    close() {
      for (const client of [clients.data, clients.train, clients.infer]) client.terminate();
      database.close();
    },
  };
}
