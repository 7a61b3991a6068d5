import { describe, expect, it } from 'vitest';
import { checkJob, parseJob } from '$lib/job/parse';
import { catalog, digits, photos } from './catalog';

const seed = {
  model_type: 'tensorflow',
  model_name: 'resnet18',
  parameters: { num_classes: 10, batch_size: 32, learning_rate: 0.001, epochs: 3 },
  data: { train_dir: 'path/to/train', val_dir: 'path/to/val' },
  optimization: { mixed_precision: true, xla: true },
};

describe('a job without a version', () => {
  it.each(['tensorflow', 'pytorch'])('works as it is (%s)', (model_type) => {
    const { job, notices } = parseJob({ ...seed, model_type }, { ...catalog, data: digits });
    expect(job).toMatchObject({
      version: 1,
      model: { name: 'resnet18' },
      training: { batch_size: 32, epochs: 3 },
      optimizer: { name: 'adamw', learning_rate: 0.001 },
      data: { path: null, train_dir: 'path/to/train', val_dir: 'path/to/val' },
    });
    expect(notices.filter((notice) => notice.startsWith('optimization.'))).toHaveLength(2);
  });

  it('says what it asks for and does not get, and only that', () => {
    const quiet = { ...seed, optimization: { mixed_precision: false, xla: false } };
    expect(parseJob(quiet, catalog).notices).toEqual([]);
    expect(parseJob({ ...seed, optimization: { xla: true } }, catalog).notices).toEqual([
      'optimization.xla is true; the compiled engine is not available yet, TensorFlow.js is used.',
    ]);
  });

  it('is held against the number of classes in the data', () => {
    const { problems } = checkJob(seed, { ...catalog, data: photos });
    expect(problems).toEqual([
      {
        path: 'parameters.num_classes',
        message: 'The number of classes comes from the data, which has 5; found 10.',
      },
    ]);
  });

  it('reports keys that it never had, with the one that was meant', () => {
    const { problems } = checkJob({ ...seed, parameters: { learningrate: 0.1 } }, catalog);
    expect(problems).toEqual([
      {
        path: 'parameters.learningrate',
        message: 'There is no field "parameters.learningrate"; did you mean "parameters.learning_rate"?',
      },
    ]);
  });

  it('checks values under the current names', () => {
    const { problems } = checkJob({ ...seed, parameters: { learning_rate: -1 }, model_type: 'jax' }, catalog);
    expect(problems.map(({ path }) => path)).toEqual(['model_type', 'optimizer.learning_rate']);
  });

  it('gets a suggestion for an unknown model', () => {
    const { problems } = checkJob({ ...seed, model_name: 'resnet81' }, catalog);
    expect(problems[0].message).toBe('There is no model "resnet81"; did you mean "resnet18"?');
  });

  it('may ask for adam and is told about AdamW', () => {
    const { job, notices } = parseJob({ model_name: 'tiny-cnn', parameters: { optimizer: 'adam' } }, catalog);
    expect(job.optimizer.name).toBe('adamw');
    expect(notices).toHaveLength(1);
  });
});
