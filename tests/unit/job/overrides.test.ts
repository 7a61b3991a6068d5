import { describe, expect, it } from 'vitest';
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
});
