// Runs that start from stored weights, with the real workers and the real storage: frozen backbones, stored features, metric learning.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addWeights, weightsId } from '$lib/storage/weights';
import { getCheckpoint, listCheckpoints } from '$lib/storage/checkpoints';
import { getImageResults, listEvaluations } from '$lib/storage/evaluations';
import { listFeatureCaches, readFeatures, removeFeatureCache } from '$lib/storage/features';
import type { RunRecord } from '$lib/storage/records';
import { readEvents } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;
/** Of the weights that the runs start from. */
let reference: string;
const backbone = (name: string): boolean => !name.startsWith('classifier.');

interface Told {
  run: RunRecord;
  events: RunEvent[];
}

beforeAll(async () => {
  bench = await openWorkbench(120);
  const { run } = await train('first', { training: { epochs: 12, batch_size: 16 } });
  const model = { kind: 'run', runId: run.id, checkpoint: 'best' } as const;
  const exported = await bench.clients.infer.api.export(
    { taskId: 'x', model, formats: ['safetensors'], bundle: false },
    () => undefined,
  );
  const file = exported.files.find(({ path }) => path.endsWith('.safetensors'));
  if (file === undefined) throw new Error('no safetensors');
  const files = [{ path: 'model.safetensors', blob: file.blob }];
  const id = await weightsId(files);
  await addWeights(bench.database, {
    record: {
      id,
      name: 'tiny',
      sources: ['somewhere/tiny'],
      format: 'safetensors',
      createdAt: 1,
      usedAt: 1,
      bytes: file.blob.size,
      tensors: 1,
      values: 1,
      architecture: { kind: 'none' },
      preprocess: null,
      classes: null,
      licence: null,
    },
    files,
  });
  reference = `sha256:${id}`;
});

afterAll(() => bench.close());

async function train(name: string, document: object = {}, at?: (event: RunEvent) => void): Promise<Told> {
  const { version, clients } = bench;
  const events: RunEvent[] = [];
  const request = { projectId: version.projectId, versionId: version.id, job: bench.job(document), name };
  const run = await clients.train.api.train(request, (event) => {
    events.push(event);
    at?.(event);
  });
  return { run, events };
}

const from = (more: object = {}): object => ({
  model: { name: 'tiny-cnn', config: { width: 0.25 }, weights: reference },
  preprocess: { image_size: 16, normalize: 'dataset' },
  ...more,
});

async function weightsOf(run: RunRecord): Promise<ReadonlyMap<string, Float32Array>> {
  return (await getCheckpoint(bench.database, run.id, 'last')).state.parameters;
}

const featuresTold = ({ events }: Told) => events.filter((event) => event.type === 'features');

async function clearCaches(): Promise<void> {
  for (const { key } of await listFeatureCaches(bench.database)) await removeFeatureCache(bench.database, key);
}

describe('a run from stored weights', () => {
  it('says which tensors it took, and refuses a name that is not stored', async () => {
    const told = await train('all', from({ fine_tune: { train: 'all' }, training: { epochs: 1, batch_size: 16 } }));
    const event = told.events.find(({ type }) => type === 'weights');
    expect(event).toMatchObject({ name: 'tiny', report: { missing: [], unused: [], mismatched: [] } });
    expect(told.run.weights?.name).toBe('tiny');
    expect(told.run.preprocess.mean).toEqual(bench.version.statistics.mean);
    await expect(
      train('missing', { model: { name: 'tiny-cnn', config: { width: 0.25 }, weights: 'nobody/nothing' } }),
    ).rejects.toMatchObject({ code: 'weights-missing' });
  });

  it('trains a head on features that are computed once, with the numbers of the whole network', async () => {
    await clearCaches();
    const whole = await train('not cached', from({ fine_tune: { train: 'head', cache: false } }));
    expect(featuresTold(whole)).toEqual([]);
    const first = await train('cached', from({ fine_tune: { train: 'head' } }));
    expect(featuresTold(first)[0]).toMatchObject({ done: 0, total: 120, cached: 0 });
    expect(featuresTold(first).at(-1)).toMatchObject({ done: 120, total: 120 });
    const [cache] = await listFeatureCaches(bench.database);
    expect(cache).toMatchObject({ vectors: 120, bytes: 120 * cache.width * 4 });
    const second = await train('cached again', from({ fine_tune: { train: 'head' }, loss: { label_smoothing: 0.2 } }));
    expect(featuresTold(second)).toEqual([{ type: 'features', done: 120, total: 120, cached: 120 }]);
    expect(await listFeatureCaches(bench.database)).toHaveLength(1);

    // The frozen part is what the weights file had, bit for bit, in both ways.
    const [plain, stored] = [await weightsOf(whole.run), await weightsOf(first.run)];
    expect([...stored.keys()]).toEqual([...plain.keys()]);
    const start = await weightsOf((await train('start', from({ fine_tune: { train: 'head' }, training: { epochs: 1, batch_size: 16 } }))).run); // prettier-ignore
    for (const [name, values] of start) if (backbone(name)) expect(stored.get(name), name).toEqual(values);
    expect(stored.get('classifier.weight')).not.toEqual(start.get('classifier.weight'));
  });

  it('is evaluated on its features as the whole network evaluates itself, beside its nearest neighbours', async () => {
    const told = await train('judged', from({ fine_tune: { train: 'head' } }));
    const [cached] = await listEvaluations(bench.database, told.run.id);
    expect(cached.result.baselines).toMatchObject([{ id: 'knn' }]);
    const { accuracy } = cached.result.baselines?.[0].metrics ?? {};
    expect(accuracy).toBeGreaterThan(cached.result.baseline.metrics.accuracy ?? 1);
    const kept = await getImageResults(bench.database, cached.id);

    // Without the cache the images go through the whole network.
    await clearCaches();
    const again = await bench.clients.infer.api.evaluate(
      { taskId: 'e', model: { kind: 'run', runId: told.run.id, checkpoint: 'best' }, versionId: bench.version.id, split: 'test', device: 'wasm' }, // prettier-ignore
      () => undefined,
    );
    expect(again.result.baselines).toBeUndefined();
    expect(again.images.paths).toEqual(kept.paths);
    const { probabilities } = again.images;
    kept.probabilities.forEach((value, at) => expect(Math.abs(value - probabilities[at])).toBeLessThan(1e-5));
  });

  it('stopped while features are computed keeps them and goes on', async () => {
    await clearCaches();
    // Larger images take longer, so that the request to stop arrives in time.
    const document = from({ fine_tune: { train: 'head' }, preprocess: { image_size: 64, normalize: 'dataset' } });
    let asked = false;
    const told = await train('stopped', document, ({ type }) => {
      if (type !== 'features' || asked) return;
      asked = true;
      void bench.clients.train.api.stop();
    });
    expect(told.run.status).toBe('stopped');
    const [cache] = await listFeatureCaches(bench.database);
    expect(cache.vectors).toBeGreaterThan(0);
    expect(cache.vectors).toBeLessThan(120);
    const events: RunEvent[] = [];
    const resumed = await bench.clients.train.api.resume(told.run.id, (event) => events.push(event));
    expect(resumed.status).toBe('done');
    expect(events.find(({ type }) => type === 'features')).toMatchObject({ cached: cache.vectors });
    let rows = 0;
    await readFeatures(bench.database, cache.key, ({ blobs }) => (rows += blobs.length));
    expect(rows).toBe(120);
    const whole = await train('whole', document);
    const [one, other] = [await weightsOf(resumed), await weightsOf(whole.run)];
    for (const [name, values] of other) expect(one.get(name), name).toEqual(values);
  });

  it('caches changed copies of the train images apart from the plain ones', async () => {
    await clearCaches();
    const augmented = { fine_tune: { train: 'head', cached_augmentations: 2 }, augment: { horizontal_flip: 0.5, shift: 2 } }; // prettier-ignore
    const told = await train('copies', from(augmented));
    expect(featuresTold(told).at(-1)).toMatchObject({ total: 120 + 2 * 72 });
    const caches = await listFeatureCaches(bench.database);
    expect(caches.map(({ vectors }) => vectors).sort()).toEqual([120, 144]);
    const again = await train('copies again', from(augmented));
    expect(featuresTold(again)).toHaveLength(1);
    const [one, other] = [await weightsOf(told.run), await weightsOf(again.run)];
    for (const [name, values] of other) expect(one.get(name), name).toEqual(values);
  });

  it('learns a projection first where the job says so, and goes on exactly from within either phase', async () => {
    // Long enough for a request to stop to arrive in time: an epoch takes some 10 ms.
    const EPOCHS = 50;
    const document = from({
      fine_tune: { train: 'head' },
      contrastive: { epochs: EPOCHS, projection: 8 },
      training: { epochs: EPOCHS, batch_size: 16 },
    });
    const told = await train('contrastive', document);
    const phases = told.events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
    expect(phases).toEqual(['contrastive', 'classifier']);
    const epochs = told.events.filter((event) => event.type === 'epoch');
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 2 * EPOCHS }, (_, index) => index + 1));
    expect(epochs.findLast(({ metrics }) => 'contrastive_loss' in metrics)?.epoch).toBe(EPOCHS);
    expect(epochs.find(({ metrics }) => 'train_loss' in metrics)?.epoch).toBe(EPOCHS + 1);
    const expected = await weightsOf(told.run);
    expect([...expected.keys()]).toContain('projection.0.weight');
    expect([...expected.keys()]).not.toContain('projection.2.weight');
    for (const phase of ['contrastive', 'classifier'] as const) {
      let at: string = '';
      let asked = false;
      const stopped = await train(`stopped in ${phase}`, document, (event) => {
        if (event.type === 'phase') at = event.phase;
        if (asked || at !== phase || event.type !== 'epoch') return;
        asked = true;
        void bench.clients.train.api.stop();
      });
      expect(stopped.run.status).toBe('stopped');
      expect((await listCheckpoints(bench.database, stopped.run.id)).map(({ kind }) => kind)).toContain('last');
      const resumed = await bench.clients.train.api.resume(stopped.run.id, () => undefined);
      expect(resumed).toMatchObject({ status: 'done', epochsDone: 2 * EPOCHS, stepsDone: told.run.stepsDone });
      const found = await weightsOf(resumed);
      for (const [name, values] of expected) expect(found.get(name), name).toEqual(values);
    }
    expect((await readEvents(bench.database, told.run.id)).length).toBeGreaterThan(0);
  });

  it('lets stages go by epoch, and goes on exactly', async () => {
    const document = from({
      fine_tune: { train: 'head', unfreeze_every: 1, stage_rate: 0.5 },
      training: { epochs: 3, batch_size: 16 },
    });
    const told = await train('gradual', document);
    const notices = told.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices.filter((message) => message.includes('learns, too'))).toHaveLength(2);
    expect(featuresTold(told)).toEqual([]);
    const expected = await weightsOf(told.run);
    let asked = false;
    const stopped = await train('gradual stopped', document, (event) => {
      if (asked || event.type !== 'epoch') return;
      asked = true;
      void bench.clients.train.api.stop();
    });
    expect(stopped.run.epochsDone).toBeLessThan(3);
    const resumed = await bench.clients.train.api.resume(stopped.run.id, () => undefined);
    const found = await weightsOf(resumed);
    for (const [name, values] of expected) expect(found.get(name), name).toEqual(values);
  });
});
