// What a job may ask of its data and its weights, with the real workers: folds, a teacher, averages, batches in parts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRunModel } from '$lib/evaluation/trained-model';
import { getCheckpoint } from '$lib/storage/checkpoints';
import type { Job } from '$lib/job/job';
import { listEvaluations } from '$lib/storage/evaluations';
import type { RunRecord } from '$lib/storage/records';
import { listRuns } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { openWorkbench, type Workbench } from './workbench';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench(120);
});

afterAll(() => bench.close());

async function train(
  document: object,
  name = '',
  change: (job: Job) => Job = (job) => job,
): Promise<{ run: RunRecord; events: RunEvent[] }> {
  const { version, clients } = bench;
  const events: RunEvent[] = [];
  const job = change(bench.job({ training: { epochs: 1, batch_size: 16 }, ...document }));
  const request = { projectId: version.projectId, versionId: version.id, job, name };
  const run = await clients.train.api.train(request, (event) => events.push(event));
  return { run, events };
}

describe('folds', () => {
  it('divide train and validation anew for training, and for whatever is asked of the run later', async () => {
    const { run, events } = await train({ validation: { folds: 4, fold: 1 } });
    expect(events[0]).toMatchObject({ type: 'started', images: { train: 72, val: 24, test: 24 } });
    const { model, version } = await loadRunModel(bench.database, run.id, 'best');
    expect(model.data.images).toEqual({ train: 72, val: 24, test: 24 });
    const held = version.items.filter(({ split }) => split === 'val').map(({ path }) => path);
    const own = bench.version.items.filter(({ split }) => split === 'val').map(({ path }) => path);
    expect(held).not.toEqual(own);
    const [judged] = await listEvaluations(bench.database, run.id);
    expect(judged).toMatchObject({ split: 'test', result: { count: 24 } });
    const reference = { kind: 'run', runId: run.id, checkpoint: 'best' } as const;
    const evaluated = await bench.clients.infer.api.evaluate(
      { taskId: 'f', model: reference, versionId: run.versionId, split: 'val', device: 'wasm' },
      () => undefined,
    );
    expect([...evaluated.images.paths].toSorted()).toEqual(held.toSorted());
  });
});

describe('averages', () => {
  it('are what is evaluated, exported and predicted with', async () => {
    const { run } = await train({ ema: { decay: 0.99, warmup: false } });
    const { state } = await getCheckpoint(bench.database, run.id, 'best');
    const { model } = await loadRunModel(bench.database, run.id, 'best');
    expect(state.ema?.size).toBeGreaterThan(0);
    for (const [name, values] of state.parameters) {
      const used = model.parameters.get(name);
      expect(used, name).toEqual(state.ema?.get(name) ?? values);
      if (state.ema?.has(name) === true) expect(used, name).not.toEqual(values);
    }
    // Running statistics have no average.
    expect([...state.parameters.keys()].some((name) => state.ema?.has(name) === false)).toBe(true);
  });
});

describe('a teacher', () => {
  it('is another run, of another size and normalisation, and changes what is learnt', async () => {
    const { run: teacher } = await train({ preprocess: { image_size: 24, normalize: 'imagenet' } }, 'teacher');
    const taught = { distillation: { teacher: `run:${teacher.id}`, temperature: 3, weight: 0.8 } };
    const mixed = { mix: { mixup: 0.2 } };
    const { run } = await train({ ...taught, ...mixed }, 'student');
    const { run: alone } = await train(mixed, 'alone');
    expect(run.status).toBe('done');
    const weights = async ({ id }: RunRecord) => (await getCheckpoint(bench.database, id, 'last')).state.parameters;
    expect(await weights(run)).not.toEqual(await weights(alone));
    const again = await train({ ...taught, ...mixed }, 'student');
    expect(await weights(again.run)).toEqual(await weights(run));
  });

  it('that is missing or of no use is an error that says so', async () => {
    const refused = (document: object, change?: (job: Job) => Job): Promise<unknown> =>
      train(document, 'refused', change).catch((error: unknown) => error);
    const missing = { distillation: { teacher: 'run:nobody' } };
    expect(await refused(missing)).toMatchObject({
      code: 'teacher',
      message: expect.stringContaining('nobody') as string,
    });
    const runs = await listRuns(bench.database, bench.version.projectId);
    const teacher = runs.find(({ name }) => name === 'teacher');
    // On random weights, which a form would not offer.
    const featured = (job: Job): Job => ({ ...job, fine_tune: { ...job.fine_tune, train: 'head', cache: true } });
    expect(await refused({ distillation: { teacher: `run:${teacher?.id}` } }, featured)).toMatchObject({
      code: 'teacher',
      hint: expect.stringContaining('fine_tune.cache') as string,
    });
  });
});

describe('a batch in parts', () => {
  it('draws the same images and takes as many steps, whatever its parts', async () => {
    const { run: whole } = await train({ training: { epochs: 1, batch_size: 16 } });
    const { run: parts } = await train({ training: { epochs: 1, batch_size: 16, accumulate: 4 } });
    expect(parts.stepsDone).toBe(whole.stepsDone);
  });
});
