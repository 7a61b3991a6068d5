import { describe, expect, it } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { checkJob, defaultJob, parseJob } from '$lib/job/parse';
import { catalog, digits, photos } from './catalog';

function problemsOf(document: unknown, more: object = {}): Record<string, string> {
  const { problems } = checkJob(document, { ...catalog, ...more });
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

describe('a job document', () => {
  it('may be empty: the smallest model and a complete set of defaults are taken', () => {
    const job = defaultJob(catalog);
    expect(job.model).toEqual({ name: 'tiny-cnn', config: { width: 1, dropout: 0.2 }, weights: null });
    expect(job).toMatchObject({
      version: 2,
      task: 'classification',
      data: { path: null, train_dir: null, split: { source: 'auto', val: 0.15, test: 0.15, stratified: true } },
      training: { epochs: 30, batch_size: 64 },
      optimizer: { name: 'adamw', learning_rate: 0.004, weight_decay: 0.05, betas: [0.9, 0.999] },
      scheduler: { name: 'one_cycle', pct_start: 0.3 },
      loss: { name: 'cross_entropy', label_smoothing: 0.05, class_weights: 'none' },
      seed: 0,
    });
  });

  it('comes back unchanged when a complete job is read again', () => {
    const job = defaultJob({ ...catalog, data: photos }, 'classification', 'resnet18');
    expect(parseJob(structuredClone(job), catalog).job).toEqual(job);
  });

  it('takes defaults from the model and the data', () => {
    const small = parseJob({}, { ...catalog, data: digits });
    expect(small.job.preprocess.image_size).toBe(32);
    expect(small.job.augment).toMatchObject({ shift: 4, horizontal_flip: 0 });
    expect(small.notices.join()).toContain('not mirrored');
    const large = parseJob({ model: { name: 'resnet18' } }, { ...catalog, data: photos });
    expect(large.job.preprocess.image_size).toBe(224);
    expect(large.job.optimizer.learning_rate).toBeLessThan(0.004);
    expect(large.notices).toEqual([]);
  });

  it('takes smaller batches where there are few images, and smaller steps with them', () => {
    const few = { ...photos, images: { train: 90, val: 10, test: 10 } };
    const { training, optimizer } = parseJob({}, { ...catalog, data: few }).job;
    expect(training.batch_size).toBe(8);
    expect(optimizer.learning_rate).toBeCloseTo(0.0014, 6);
  });

  it('takes falls of the rate that fit the length of the run', () => {
    const falls = (epochs?: number) =>
      parseJob(epochs === undefined ? {} : { training: { epochs } }, catalog).job.scheduler;
    expect(falls()).toMatchObject({ step_epochs: 10, milestones: [10, 20], restart_epochs: 10 });
    expect(falls(90)).toMatchObject({ step_epochs: 30, milestones: [30, 60], restart_epochs: 30 });
    expect(falls(1)).toMatchObject({ step_epochs: 1, milestones: [1] });
  });

  it('takes a smaller rate, no momentum and little decay for optimisers that need it', () => {
    const of = (name: string) => parseJob({ optimizer: { name } }, catalog).job;
    expect(of('rmsprop').optimizer).toMatchObject({ momentum: 0, learning_rate: 0.001 });
    expect(of('adam').optimizer).toMatchObject({
      learning_rate: of('adamw').optimizer.learning_rate,
      weight_decay: 5e-5,
    });
  });

  it('may say where its schema is', () => {
    expect(parseJob({ $schema: './job.schema.json', seed: 3 }, catalog).job).toEqual(
      parseJob({ seed: 3 }, catalog).job,
    );
  });

  it('keeps what is written, whatever the data would suggest', () => {
    const document = { preprocess: { image_size: 48 }, augment: { horizontal_flip: 0.25 }, optimizer: { name: 'sgd' } };
    const { job, notices } = parseJob(document, { ...catalog, data: digits });
    expect(job.preprocess.image_size).toBe(48);
    expect(job.augment).toMatchObject({ horizontal_flip: 0.25, shift: 6 });
    expect(job.optimizer).toMatchObject({ learning_rate: 0.05, weight_decay: 0.0005 });
    expect(notices).toEqual([]);
  });

  it('is refused with one sentence for each thing that is wrong, named by its path', () => {
    const problems = problemsOf({
      training: { epochs: '30', batchsize: 32 },
      optimizer: { learning_rate: -1 },
      preprocess: { image_size: 4 },
      loss: { label_smoothing: 1 },
      model: { config: { width: 9 } },
      seed: null,
    });
    expect(Object.keys(problems).sort()).toEqual([
      'loss.label_smoothing',
      'model.config.width',
      'optimizer.learning_rate',
      'preprocess.image_size',
      'seed',
      'training.batchsize',
      'training.epochs',
    ]);
    expect(problems['optimizer.learning_rate']).toContain('above 0');
    expect(problems['optimizer.learning_rate']).toContain('-1');
    expect(problems['training.batchsize']).toContain('did you mean "batch_size"?');
  });

  it('says a wrong learning rate in one line', () => {
    const parse = (): unknown => parseJob({ optimizer: { learning_rate: -1 } }, catalog);
    expect(parse).toThrow(TrainyardError);
    expect(parse).toThrow(/^job file: optimizer\.learning_rate: .*-1\.$/);
  });

  it('suggests the model that was meant', () => {
    expect(problemsOf({ model: { name: 'resnet-18' } })).toEqual({
      'model.name': 'There is no model "resnet-18"; did you mean "resnet18"?',
    });
    expect(problemsOf({ model: { name: 7 } })['model.name']).toContain(
      'There is no model 7; known: resnet18, tiny-cnn.',
    );
  });

  it('names parts that are not objects instead of replacing them', () => {
    expect(problemsOf({ optimizer: 5, preprocess: [1] })).toMatchObject({
      optimizer: expect.stringContaining('must be an object') as string,
      preprocess: expect.stringContaining('must be an object') as string,
    });
    expect(Object.keys(problemsOf({ model: 'resnet18' }))).toEqual(['model']);
  });

  it.each([null, 3, 'x', [1]])('must be an object, not %j', (document) => {
    expect(() => checkJob(document, catalog)).toThrow('it is not a JSON object');
  });

  it.each([
    [{ data: { split: { val: 0.6, test: 0.5 } } }, 'data.split'],
    [{ data: { path: 'a', train_dir: 'b' } }, 'data'],
    [{ data: { val_dir: 'b' } }, 'data.train_dir'],
    [{ optimizer: { name: 'sgd', momentum: 0 } }, 'optimizer.nesterov'],
    [{ scheduler: { name: 'cosine', warmup_epochs: 30 } }, 'scheduler.warmup_epochs'],
    [{ scheduler: { name: 'cosine', minimum_rate: 0.1 } }, 'scheduler.minimum_rate'],
    [{ augment: { random_resized_crop: { scale: [0.9, 0.2] } } }, 'augment.random_resized_crop.scale'],
  ])('is refused for a contradiction between fields: %j', (document, path) => {
    expect(Object.keys(problemsOf(document))).toEqual([path]);
  });

  it('keeps null and text for paths apart', () => {
    const { data } = parseJob({ data: { train_dir: 'a', val_dir: 'b', test_dir: null } }, catalog).job;
    expect(data).toMatchObject({ path: null, train_dir: 'a', val_dir: 'b', test_dir: null });
  });

  it('of a later version, or of none that exists, is refused', () => {
    expect(() => checkJob({ version: 99 }, catalog)).toThrow('version is 99; this program reads up to version 2');
    expect(() => checkJob({ version: 'new' }, catalog)).toThrow('version is "new"');
  });
});

describe('a job that starts from weights', () => {
  const photographs = { ...catalog, data: photos };

  it('trains the head first, on images as the weights saw them', () => {
    const { job } = parseJob({ model: { name: 'resnet18', weights: 'timm/resnet18.a1_in1k' } }, photographs);
    expect(job.model.weights).toBe('timm/resnet18.a1_in1k');
    expect(job.fine_tune.train).toBe('head');
    expect(job.preprocess).toMatchObject({ normalize: 'weights', image_size: 224 });
  });

  it('moves what the weights know by less than a new head, the first layers least', () => {
    const jobOf = (train: string) =>
      parseJob({ model: { name: 'resnet18', weights: 'a.safetensors' }, fine_tune: { train } }, photographs).job;
    const [head, all] = [jobOf('head'), jobOf('all')];
    expect(all.optimizer.learning_rate).toBeLessThan(head.optimizer.learning_rate);
    expect([head.fine_tune.stage_rate, all.fine_tune.stage_rate]).toEqual([1, 0.25]);
    expect(head.optimizer.weight_decay).toBeGreaterThan(all.optimizer.weight_decay);
  });

  it('is refused where it freezes or normalises by weights that it does not name', () => {
    const problems = problemsOf({ fine_tune: { train: 'head' }, preprocess: { normalize: 'weights' } });
    expect(Object.keys(problems).sort()).toEqual(['fine_tune.train', 'preprocess.normalize']);
  });

  it('may bring the network itself', () => {
    const network = { title: 'Mine', imageSize: [96, 96] as const };
    const imported = (weights: string) => (weights === 'mine.onnx' ? network : undefined);
    const { job } = parseJob({ model: { name: 'imported', weights: 'mine.onnx' } }, { ...photographs, imported });
    expect(job.preprocess.image_size).toBe(96);
    expect(problemsOf({ model: { name: 'imported' } })).toHaveProperty('model.weights');
    const other = { model: { name: 'imported', weights: 'mine.onnx' }, preprocess: { image_size: 64 } };
    expect(problemsOf(other, { imported })).toHaveProperty('preprocess.image_size');
  });
});
