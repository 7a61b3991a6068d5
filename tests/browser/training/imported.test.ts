// Runs whose network came in a file, with the real workers: a graph that trains, and an ONNX file that only computes features.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getCheckpoint } from '$lib/storage/checkpoints';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import { listFeatureCaches, removeFeatureCache } from '$lib/storage/features';
import type { RunRecord } from '$lib/storage/records';
import type { RunEvent } from '$lib/training/events';
import { node, onnxFile, weights } from '../../unit/interchange/support/onnx-files';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench(120);
});

afterAll(() => bench.close());

/** A convolution, an activation, the mean and a classifier of four classes; reads 16 x 16. */
function network(activation: 'Relu' | 'Elu'): Blob {
  return onnxFile({
    input: ['batch', 3, 16, 16],
    nodes: [
      node('Conv', ['x', 'conv.weight'], 'conv'),
      node(activation, ['conv'], 'active'),
      node('GlobalAveragePool', ['active'], 'mean'),
      node('Flatten', ['mean'], 'pooled'),
      node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], 'output', { transB: { type: 'int', value: 1 } }),
    ],
    initializers: [weights('conv.weight', [12, 3, 3, 3]), weights('fc.weight', [4, 12]), weights('fc.bias', [4])],
  });
}

async function store(blob: Blob, name: string): Promise<string> {
  const file = new File([blob], name);
  const files = [{ path: name, file }];
  const record = await bench.clients.weights.api.importFiles(
    { taskId: name, name, source: null, files },
    () => undefined,
  );
  return `sha256:${record.id}`;
}

async function train(name: string, document: object): Promise<{ run: RunRecord; events: RunEvent[] }> {
  const { version, clients } = bench;
  const events: RunEvent[] = [];
  const job = bench.job({ preprocess: { image_size: 16 }, training: { epochs: 4, batch_size: 16 }, ...document });
  const request = { projectId: version.projectId, versionId: version.id, job, name };
  const run = await clients.train.api.train(request, (event) => events.push(event));
  return { run, events };
}

describe('a network from a file', () => {
  it('trains with a new head, and its run keeps the graph', async () => {
    const reference = await store(network('Relu'), 'relu.onnx');
    const model = { name: 'imported', config: {}, weights: reference };
    const { run, events } = await train('graph', { model, fine_tune: { train: 'all' } });
    expect(run).toMatchObject({ status: 'done', weights: { name: 'relu.onnx' } });
    expect(run.graph?.nodes.at(-1)?.shape).toEqual([bench.version.classes.length]);
    const event = events.find(({ type }) => type === 'weights');
    expect(event).toMatchObject({ report: { loaded: ['conv.weight'], backbone: { loaded: 1, total: 1 } } });
    // Predicted with the run's own graph: no plugin could build it.
    const again = await bench.clients.infer.api.evaluate(
      { taskId: 'g', model: { kind: 'run', runId: run.id, checkpoint: 'best' }, versionId: bench.version.id, split: 'test', device: 'wasm' }, // prettier-ignore
      () => undefined,
    );
    const [first] = (await listEvaluations(bench.database, run.id)).slice(-1);
    expect(again.result).toEqual(first.result);
  });

  it('computes features for a head where it cannot train, and answers the same without the stored features', async () => {
    const reference = await store(network('Elu'), 'elu.onnx');
    const model = { name: 'imported', config: {}, weights: reference };
    const { run, events } = await train('extractor', { model, fine_tune: { train: 'head' } });
    expect(run).toMatchObject({ status: 'done', extractor: { features: 12, weightsId: reference.slice(7) } });
    expect(events.find(({ type }) => type === 'features')).toMatchObject({ cached: 0, total: 120 });
    expect(events.find((event) => event.type === 'notice' && event.message.includes('Elu'))).toBeDefined();
    const { state } = await getCheckpoint(bench.database, run.id, 'best');
    expect([...state.parameters.keys()].sort()).toEqual(['classifier.bias', 'classifier.weight']);
    const [cached] = await listEvaluations(bench.database, run.id);
    expect(cached.result.baselines).toHaveLength(1);
    const kept = await getImageResults(bench.database, cached.id);
    for (const { key } of await listFeatureCaches(bench.database)) await removeFeatureCache(bench.database, key);
    const again = await bench.clients.infer.api.evaluate(
      { taskId: 'e', model: { kind: 'run', runId: run.id, checkpoint: 'best' }, versionId: bench.version.id, split: 'test', device: 'wasm' }, // prettier-ignore
      () => undefined,
    );
    const { probabilities } = again.images;
    kept.probabilities.forEach((value, at) => expect(Math.abs(value - probabilities[at])).toBeLessThan(1e-5));
  });

  it('is refused where the file has none', async () => {
    const model = { name: 'imported', config: {}, weights: await store(await headOnly(), 'weights.safetensors') };
    await expect(train('none', { model })).rejects.toMatchObject({ code: 'no-network' });
  });
});

/** Weights alone: what an export of a run holds. */
async function headOnly(): Promise<Blob> {
  const { run } = await train('plain', {});
  const model = { kind: 'run', runId: run.id, checkpoint: 'best' } as const;
  const { files } = await bench.clients.infer.api.export(
    { taskId: 'x', model, formats: ['safetensors'], bundle: false },
    () => undefined,
  );
  const file = files.find(({ path }) => path.endsWith('.safetensors'));
  if (file === undefined) throw new Error('no safetensors');
  return file.blob;
}
