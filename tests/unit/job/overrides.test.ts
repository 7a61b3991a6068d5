import { describe, expect, it } from 'vitest';
import { getPath } from '$lib/core/path';
import { checkJob, parseJob } from '$lib/job/parse';
import { catalog, digits } from './catalog';

const older = {
  model_type: 'pytorch',
  model_name: 'resnet18',
  parameters: { num_classes: 10, epochs: 30 },
  data: { train_dir: 'path/to/train', val_dir: 'path/to/val' },
};

function jobWith(document: unknown, ...overrides: string[]) {
  return parseJob(document, { ...catalog, overrides }).job;
}

function problemsWith(...overrides: string[]) {
  return checkJob({}, { ...catalog, overrides }).problems;
}

describe('an override', () => {
  it('sets a field, read as the field wants it', () => {
    const job = jobWith(
      {},
      'training.epochs=5',
      'optimizer.learning_rate=1e-3',
      'optimizer.betas=[0.8, 0.99]',
      'early_stopping.enabled=true',
      'scheduler.name=cosine',
      'augment.random_resized_crop.enabled=on',
    );
    expect(job.training.epochs).toBe(5);
    expect(job.optimizer).toMatchObject({ learning_rate: 0.001, betas: [0.8, 0.99] });
    expect(job.early_stopping.enabled).toBe(true);
    expect(job.scheduler.name).toBe('cosine');
    expect(job.augment.random_resized_crop.enabled).toBe(true);
  });

  it('reaches the settings of a model that is overridden as well, in any order', () => {
    const job = jobWith({ model: { name: 'resnet18' } }, 'model.config.width=0.5', 'model=tiny-cnn');
    expect(job.model).toMatchObject({ name: 'tiny-cnn', config: { width: 0.5 } });
  });

  it('sets the data path by its short name and takes the place of the folders', () => {
    const paths = { path: 'flowers.zip', train_dir: null, val_dir: null, test_dir: null };
    expect(jobWith(older, 'data=flowers.zip').data).toMatchObject(paths);
    expect(jobWith({ data: { train_dir: 'a' } }, 'data="flowers.zip"').data).toMatchObject(paths);
    expect(jobWith({}, 'data=a=b').data.path).toBe('a=b');
    expect(jobWith(older, 'data=12').data.path).toBe('12');
  });

  it('may use the names of an older document, or the current ones, in one go', () => {
    const job = jobWith(older, 'parameters.epochs=3', 'training.batch_size=16');
    expect(job.training).toMatchObject({ epochs: 3, batch_size: 16 });
  });

  it('does not lose what the older format says about classes', () => {
    const { problems } = checkJob(
      { ...older, parameters: { num_classes: 3 } },
      { ...catalog, data: digits, overrides: ['training.epochs=3', 'data=x.zip'] },
    );
    expect(problems.map(({ path }) => path)).toEqual(['parameters.num_classes']);
  });

  it('with an unknown path is refused with the path that was meant', () => {
    expect(problemsWith('optimizer.learning_rat=1')[0].message).toContain('did you mean "optimizer.learning_rate"?');
    expect(problemsWith('learning_rate=1')[0].message).toContain('did you mean "optimizer.learning_rate"?');
    expect(problemsWith('training.epochs.x=1')).toHaveLength(1);
  });

  it('with a value that does not fit is refused, and so is one after another', () => {
    const problems = problemsWith('training.epochs=many', 'optimizer.name=adamx', 'seed=-1');
    expect(problems.map(({ path }) => path)).toEqual(['training.epochs', 'optimizer.name', 'seed']);
    expect(problems[1].message).toContain('did you mean "adamw"?');
  });

  it('with an unknown model is refused once, with a suggestion', () => {
    expect(problemsWith('model.name=tiny-cn')).toEqual([
      { path: 'model.name', message: 'There is no model "tiny-cn"; did you mean "tiny-cnn"?' },
    ]);
  });

  it.each(['epochs', '=3'])('must be of the form path=value: %s', (override) => {
    expect(() => checkJob({}, { ...catalog, overrides: [override] })).toThrow('is not of the form');
  });

  it.each<[override: string, path: string, value: unknown]>([
    ['training.accumulate=4', 'training.accumulate', 4],
    ['training.sampling=balanced', 'training.sampling', 'balanced'],
    ['ema.decay=0.999', 'ema.decay', 0.999],
    ['ema.warmup=off', 'ema.warmup', false],
    ['mix.cutmix=1', 'mix.cutmix', 1],
    ['distillation.teacher=run:abc', 'distillation.teacher', 'run:abc'],
    ['augment.scale=[0.8, 1.2]', 'augment.scale', [0.8, 1.2]],
    ['augment.scale=0.8,1.2', 'augment.scale', [0.8, 1.2]],
    ['augment.fill=edge', 'augment.fill', 'edge'],
    ['augment.blur={"probability": 0.5, "sigma": [0.1, 1]}', 'augment.blur', { probability: 0.5, sigma: [0.1, 1] }],
    ['augment.jpeg.quality=40, 80', 'augment.jpeg.quality', [40, 80]],
    ['augment.policy.name=RandAugment', 'augment.policy.name', 'randaugment'],
    ['augment.erasing.ratio=[0.5,2]', 'augment.erasing.ratio', [0.5, 2]],
    ['optimizer.name=rmsprop', 'optimizer.name', 'rmsprop'],
    ['optimizer.layer_rates=layer1.=0.1, fc.=10', 'optimizer.layer_rates', 'layer1.=0.1, fc.=10'],
    ['scheduler.milestones=[10, 20]', 'scheduler.milestones', [10, 20]],
    ['scheduler.milestones=[]', 'scheduler.milestones', []],
    ['scheduler.interval=epoch', 'scheduler.interval', 'epoch'],
    ['loss.class_weight_values=1,2.5', 'loss.class_weight_values', [1, 2.5]],
    ['validation.folds=5', 'validation.folds', 5],
    ['checkpoints.top_k=3', 'checkpoints.top_k', 3],
    ['monitoring.norms_every=100', 'monitoring.norms_every', 100],
    ['engine.memory_check=no', 'engine.memory_check', false],
  ])('reads %s', (override, path, value) => {
    expect(getPath(jobWith({}, override), path)).toEqual(value);
  });

  it.each(['null', ''])('takes away what the file names with "%s"', (text) => {
    const document = { model: { name: 'resnet18', weights: 'a.safetensors' }, distillation: { teacher: 'run:a' } };
    const job = jobWith(document, `distillation.teacher=${text}`, `model.weights=${text}`);
    expect([job.distillation.teacher, job.model.weights]).toEqual([null, null]);
  });

  it('with a value that does not fit a new field is refused as well', () => {
    const wrong = ['augment.scale=1', 'scheduler.milestones=ten', 'ema.warmup=maybe', 'augment.policy=randaugment'];
    expect(problemsWith(...wrong).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'augment.scale: Zoom must be a list of 2 numbers; found [1].',
      'scheduler.milestones: Each number of Falls at must be a number, at least 0 and at most 10000; found "ten".',
      'ema.warmup: Shorter average at first must be true or false; found "maybe".',
      'augment.policy: Policy must be an object with named fields; found "randaugment". Write {"name": "randaugment"}.',
    ]);
  });
});
