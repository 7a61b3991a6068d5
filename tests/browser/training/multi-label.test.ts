// Several classes an image, the whole path through the real workers: a CSV in, a verified export out.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { classesOf } from '$lib/core/annotations';
import { integer, stream, type RandomStream } from '$lib/core/random';
import type { ImportSource, ImportSummary } from '$lib/data/contract';
import { encodePng } from '$lib/data/png';
import { readBundle } from '$lib/interchange/bundle/read';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { MODELS } from '$lib/models/registry';
import { createClients, type Clients } from '$lib/rpc/client';
import type { ModelReference } from '$lib/rpc/protocol';
import { openDatabase, type Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import { getProject } from '$lib/storage/projects';
import type { DatasetVersionRecord, RunRecord } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import type { PredictionJson } from '$lib/tasks/contract';
import { getTask } from '$lib/tasks/registry';

const SIDE = 16;
const IMAGES = 240;

/** Noise, with a red square and a bright stripe where they are asked for. */
function draw(random: RandomStream, square: boolean, stripe: boolean): Uint8Array<ArrayBuffer> {
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => 60 + integer(random, 80));
  const set = (x: number, y: number, rgb: readonly number[]) => data.set(rgb, (y * SIDE + x) * 3);
  if (stripe) {
    const y = integer(random, SIDE - 2);
    for (let x = 0; x < SIDE; x++) for (const dy of [0, 1]) set(x, y + dy, [230, 230, 230]);
  }
  if (square) {
    const [left, top] = [integer(random, SIDE - 5), integer(random, SIDE - 5)];
    for (let x = 0; x < 5; x++) for (let y = 0; y < 5; y++) set(left + x, top + y, [220, 20, 20]);
  }
  return encodePng({ width: SIDE, height: SIDE, channels: 3, data }, 1);
}

/** All four combinations alike often; those with neither have an empty cell. */
function source(): ImportSource {
  const random = stream(7, 'multi-label');
  const rows = Array.from({ length: IMAGES }, (_, i) => ({ path: `${i}.png`, square: i % 2 === 0, stripe: i % 4 < 2 }));
  const table = rows.map(({ path, square, stripe }) => {
    return `${path},${[square ? 'square' : '', stripe ? 'stripe' : ''].filter((name) => name !== '').join('|')}`;
  });
  return {
    kind: 'files',
    name: 'attributes',
    files: [
      { path: 'tags.csv', file: new File([['image,tags', ...table].join('\n')], 'tags.csv') },
      ...rows.map(({ path, square, stripe }) => ({ path, file: new File([draw(random, square, stripe)], path) })),
    ],
  };
}

let clients: Clients;
let database: Database;
let summary: ImportSummary;
let version: DatasetVersionRecord;
let run: RunRecord;

beforeAll(async () => {
  clients = createClients();
  database = await openDatabase();
  const split = { source: 'fractions', val: 0.2, test: 0.2, stratified: true, seed: 0 } as const;
  const request = { taskId: 'i', projectId: null, projectName: 'Attributes', source: source(), split };
  summary = await clients.data.api.import(request, () => undefined);
  version = await getVersion(database, summary.versionId);
});

afterAll(() => {
  for (const client of [clients.data, clients.train, clients.infer]) client.terminate();
  database.close();
});

it('an import of several classes an image makes a project of that task, and says so', async () => {
  expect(summary).toMatchObject({
    task: 'multi_label',
    images: IMAGES,
    classes: [
      { name: 'square', count: 120 },
      { name: 'stripe', count: 120 },
    ],
  });
  expect(summary.notices).toEqual([expect.stringContaining('multi-label')]);
  expect((await getProject(database, summary.projectId)).task).toBe('multi_label');
  // Alike in every split.
  for (const split of ['train', 'val', 'test'] as const) {
    const items = version.items.filter((item) => item.split === split);
    const squares = items.filter(({ annotation }) => classesOf(annotation).includes(0)).length;
    expect(Math.abs(squares / items.length - 0.5)).toBeLessThan(0.1);
  }
});

it('an edit keeps the classes of each image, and merged ones are one', async () => {
  const renamed = await clients.data.api.renameClasses(version.id, ['mark', 'mark']);
  expect(renamed.classes).toEqual([{ name: 'mark' }]);
  const marked = renamed.items.filter(({ annotation }) => classesOf(annotation).join() === '0').length;
  expect(marked).toBe(180);
  const split = { source: 'fractions', val: 0.5, test: 0, stratified: true, seed: 1 } as const;
  const divided = await clients.data.api.resplit(version.id, split);
  expect(divided.items.filter((item) => item.split === 'val')).toHaveLength(120);
});

it('trains without being told the task, far better than class frequencies', async () => {
  const document = {
    model: { name: 'tiny-cnn', config: { width: 0.5 } },
    training: { epochs: 20, batch_size: 16 },
    preprocess: { image_size: SIDE },
    engine: { device: 'wasm' },
    seed: 3,
  };
  const { job } = parseJob(document, { models: MODELS, tasks: TASKS, data: summarizeData(version) });
  expect(job).toMatchObject({ task: 'multi_label', loss: { name: 'binary_cross_entropy' } });
  const request = { projectId: version.projectId, versionId: version.id, job, name: 'attributes' };
  run = await clients.train.api.train(request, () => undefined);
  expect(run).toMatchObject({ status: 'done', best: { metric: expect.stringContaining('mean_average_precision') } });
  const [{ id, result }] = await listEvaluations(database, run.id);
  // Equal scores for all images: precision is how often a class occurs.
  expect(result.baseline.metrics.mean_average_precision).toBeGreaterThan(0.4);
  expect(result.baseline.metrics.mean_average_precision).toBeLessThan(0.6);
  // 0.96 to 1 with six seeds, subset accuracy 0.73 to 1.
  expect(result.metrics.mean_average_precision).toBeGreaterThan(0.9);
  expect(result.metrics.subset_accuracy).toBeGreaterThan(0.6);
  expect(result.per_class.map(({ class: name }) => name)).toEqual(['square', 'stripe']);
  expect(result.confusion_matrix).toBeUndefined();
  const rows = getTask(job.task)
    .predictionsCsv(await getImageResults(database, id), run.classes)
    .split('\r\n');
  expect(rows[0]).toBe('image,true_classes,predicted_classes,loss,p:square,p:stripe');
  expect(rows).toHaveLength(result.count + 2);
});

it('predicts every class that is more probable than not', async () => {
  const random = stream(8, 'multi-label');
  const images = [
    { name: 'both', file: new Blob([draw(random, true, true)]) },
    { name: 'none', file: new Blob([draw(random, false, false)]) },
  ];
  const found: PredictionJson[] = [];
  const model: ModelReference = { kind: 'run', runId: run.id, checkpoint: 'best' };
  await clients.infer.api.predict({ taskId: 'p', model, device: 'wasm', images }, (event) => {
    if (event.type === 'prediction') found.push(event.prediction);
  });
  expect(found.map(({ predicted_classes: named = [] }) => named.toSorted())).toEqual([['square', 'stripe'], []]);
});

it('exports verified models whose probabilities are sigmoids, and the bundle scores the same', async () => {
  const model: ModelReference = { kind: 'run', runId: run.id, checkpoint: 'best' };
  const formats = ['onnx', 'tfjs', 'safetensors', 'pytorch'] as const;
  const { report, bundle } = await clients.infer.api.export({ taskId: 'x', model, formats, bundle: true }, () => undefined); // prettier-ignore
  expect(report.formats.map(({ status, reason }) => [status, reason])).toEqual(formats.map(() => ['verified', '']));
  if (bundle === null) throw new Error('no bundle');
  const opened = await readBundle(bundle);
  expect(opened.task).toEqual({ id: 'multi_label', activation: { name: 'probabilities', kind: 'sigmoid' } });
  expect(opened.evaluation?.result.per_class[0].average_precision).toBeGreaterThan(0.9);
  const reference: ModelReference = { kind: 'bundle', name: 'bundle.zip', file: bundle };
  const request = { taskId: 'e', model: reference, versionId: version.id, split: 'test', device: 'wasm' } as const;
  const again = await clients.infer.api.evaluate(request, () => undefined);
  const [first] = await listEvaluations(database, run.id);
  expect(again.result).toEqual(first.result);
});
