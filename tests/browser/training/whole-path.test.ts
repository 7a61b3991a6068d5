// The whole path through the real workers: sample, training, evaluation. WASM, as on a machine without a graphics card.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExportEvent } from '$lib/interchange/contract';
import type { ModelReference } from '$lib/rpc/protocol';
import { getBlob } from '$lib/storage/blobs';
import { listCheckpoints } from '$lib/storage/checkpoints';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import type { RunRecord } from '$lib/storage/records';
import { getRun, readEvents } from '$lib/storage/runs';
import type { PredictionJson } from '$lib/tasks/contract';
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

const infer = () => bench.clients.infer.api;
const best = (): ModelReference => ({ kind: 'run', runId: run.id, checkpoint: 'best' });

async function firstImages(count: number): Promise<{ name: string; file: Blob }[]> {
  const items = bench.version.items.slice(0, count);
  return Promise.all(items.map(async ({ path, blob }) => ({ name: path, file: await getBlob(bench.database, blob) })));
}

async function predictions(model: ModelReference): Promise<Record<string, PredictionJson>> {
  const found: Record<string, PredictionJson> = {};
  const images = [...(await firstImages(3)), { name: 'text.jpg', file: new Blob(['no image']) }];
  const unreadable: string[] = [];
  await infer().predict({ taskId: 'p', model, device: 'wasm', images }, (event) => {
    if (event.type === 'prediction') found[event.prediction.image] = event.prediction;
    else unreadable.push(event.image);
  });
  expect(unreadable).toEqual(['text.jpg']);
  return found;
}

it('evaluates the run again on another split, with the same numbers on the same one', async () => {
  const request = { taskId: 'e', model: best(), versionId: bench.version.id, device: 'wasm' } as const;
  const progress: number[] = [];
  const again = await infer().evaluate({ ...request, split: 'test' }, ({ done }) => progress.push(done));
  expect(progress.at(-1)).toBe(48);
  const [, first] = await listEvaluations(bench.database, run.id);
  expect(again.result).toEqual(first.result);
  const onTrain = await infer().evaluate({ ...request, split: 'train' }, () => undefined);
  expect(onTrain.result.count).toBe(144);
  expect(await listEvaluations(bench.database, run.id)).toHaveLength(3);
});

it('predicts images, and says which file is none', async () => {
  const found = await predictions(best());
  const names = bench.version.classes.map(({ name }) => name).sort();
  expect(Object.keys(found)).toEqual(bench.version.items.slice(0, 3).map(({ path }) => path));
  for (const { predicted_class, confidence, all_predictions } of Object.values(found)) {
    expect(Object.keys(all_predictions).sort()).toEqual(names);
    expect(Object.values(all_predictions).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(all_predictions[predicted_class]).toBe(confidence);
  }
});

it('exports every format verified, and the bundle answers, scores and exports like the run', async () => {
  const events: ExportEvent[] = [];
  const formats = ['onnx', 'tfjs', 'safetensors', 'pytorch'] as const;
  const exported = await infer().export({ taskId: 'x', model: best(), formats, bundle: true }, (event) => {
    events.push(event);
  });
  for (const report of exported.report.formats) {
    expect(report, report.reason).toMatchObject({ status: 'verified', images: 32, reason: '' });
    expect(report.relativeDifference).toBeLessThan(1e-4);
  }
  expect(exported.report.formats.map(({ format }) => format)).toEqual(formats);
  if (exported.bundle === null) throw new Error('no bundle');

  const bundle: ModelReference = { kind: 'bundle', name: 'bundle.zip', file: exported.bundle };
  expect(await predictions(bundle)).toEqual(await predictions(best()));
  const request = { taskId: 'e', versionId: bench.version.id, split: 'test', device: 'wasm' } as const;
  const scored = await infer().evaluate({ ...request, model: bundle }, () => undefined);
  const [, , first] = await listEvaluations(bench.database, run.id);
  expect(scored).toMatchObject({ runId: '', result: first.result });
  expect(scored.images.paths).toHaveLength(48);
  const again = await infer().export({ taskId: 'y', model: bundle, formats: ['onnx'], bundle: false }, () => undefined);
  expect(again.report.formats).toMatchObject([{ format: 'onnx', status: 'verified' }]);
});

it('tells what it computes on', async () => {
  const report = await infer().doctor('wasm');
  expect(report.device).toMatchObject({ backend: 'wasm', precision: 'float32' });
  expect(report.versions.trainyard).toMatch(/^\d+\.\d+\.\d+$/);
  expect(report.storage.usedBytes).toBeGreaterThan(0);
});
