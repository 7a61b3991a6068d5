// From the click on "Try a sample" to its accuracy: generates, imports, trains and evaluates with the real workers.
// Run: npx vitest run --config tests/bench/import.config.ts tests/bench/sample.ts
import { expect, test } from 'vitest';
import { SAMPLE_DEFAULTS } from '$lib/data/sample';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { SAMPLE_JOB } from '$lib/job/sample';
import { MODELS } from '$lib/models/registry';
import { createClients } from '$lib/rpc/client';
import { openDatabase } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { deleteProject } from '$lib/storage/projects';
import { TASKS } from '$lib/tasks/catalog';

/** The goals on two cores. */
const MAX_SECONDS = 60;
const MIN_ACCURACY = 0.9;

test('the sample, from nothing to its accuracy', async () => {
  const { data, train } = createClients();
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  const summary = await data.api.import(
    {
      taskId: 'sample',
      projectId: null,
      projectName: 'Sample',
      source: SAMPLE_DEFAULTS,
      split: { source: 'fractions', val: 0.15, test: 0.15, stratified: true, seed: 0 },
    },
    () => undefined,
  );
  console.log(`${seconds()} s: ${summary.images} images imported in ${summary.seconds.toFixed(1)} s`);
  const database = await openDatabase();
  const version = await getVersion(database, summary.versionId);
  const { job } = parseJob(SAMPLE_JOB, { models: MODELS, tasks: TASKS, data: summarizeData(version) });
  let accuracy = 0;
  const run = await train.api.train(
    { projectId: summary.projectId, versionId: summary.versionId, job, name: 'sample' },
    (event) => {
      if (event.type === 'started')
        console.log(`${seconds()} s: trains on ${event.device.backend} (${event.device.adapter})`);
      if (event.type === 'epoch') console.log(`${seconds()} s: epoch ${event.epoch} ${JSON.stringify(event.metrics)}`);
      if (event.type === 'evaluated') accuracy = event.result.metrics.accuracy ?? 0;
    },
  );
  const total = Number(seconds());
  console.log(`${total} s: ${run.status}, test accuracy ${accuracy}; ${navigator.hardwareConcurrency} cores`);
  await deleteProject(database, summary.projectId);
  database.close();
  expect(accuracy).toBeGreaterThan(MIN_ACCURACY);
  expect(total).toBeLessThan(MAX_SECONDS);
});
