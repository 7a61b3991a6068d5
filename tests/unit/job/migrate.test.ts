import { describe, expect, it } from 'vitest';
import { getPath, isObject, setPath } from '$lib/core/path';
import { ADDED_IN_2 } from '$lib/job/additions';
import { checkJob, defaultJob, parseJob } from '$lib/job/parse';
import { catalog, digits, photos } from './catalog';

const ADDED = Object.keys(ADDED_IN_2);

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
      version: 2,
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

  it.each(['sgd', 'adam', 'adamw', 'rmsprop'])('gets the optimiser that it asks for (%s)', (optimizer) => {
    const { job, notices } = parseJob({ model_name: 'tiny-cnn', parameters: { optimizer } }, catalog);
    expect(job.optimizer.name).toBe(optimizer);
    expect(notices).toEqual([]);
  });
});

describe('a job of version 1', () => {
  const complete = ((): unknown => {
    const job: unknown = defaultJob(catalog);
    return ADDED.reduce(dropPath, setPath(job, 'version', 1));
  })();

  it('gets exactly what version 1 did for all that version 2 added', () => {
    const { job, problems, notices } = checkJob(complete, catalog);
    expect([problems, notices]).toEqual([[], []]);
    expect(job.version).toBe(2);
    for (const [path, value] of Object.entries(ADDED_IN_2)) {
      const found = getPath(job, path);
      expect({ path, found }).toEqual({ path, found: value ?? null });
    }
  });

  it('keeps what it says about newer fields', () => {
    expect(parseJob({ version: 1, training: { accumulate: 4 } }, catalog).job.training.accumulate).toBe(4);
  });

  it('does not start to heed what version 1 read past, and says so', () => {
    const one = parseJob({ version: 1, scheduler: { warmup_epochs: 3, minimum_rate: 1e-4 } }, catalog);
    expect(one.job.scheduler).toMatchObject({ name: 'one_cycle', warmup_epochs: 0, minimum_rate: 0 });
    expect(one.notices.map((notice) => notice.split(' ')[0])).toEqual([
      'scheduler.warmup_epochs',
      'scheduler.minimum_rate',
    ]);
    const cosine = { name: 'cosine', warmup_epochs: 3, minimum_rate: 1e-4 };
    expect(parseJob({ version: 1, scheduler: cosine }, catalog)).toMatchObject({
      job: { scheduler: cosine },
      notices: [],
    });
    const constant = { name: 'constant', warmup_epochs: 3, minimum_rate: 1e-4 };
    const { scheduler } = parseJob({ version: 1, scheduler: constant }, catalog).job;
    expect(scheduler).toMatchObject({ warmup_epochs: 3, minimum_rate: 0 });
  });

  it('with a section that is no object is told so, not mended', () => {
    const { problems } = checkJob({ version: 1, scheduler: 5, augment: { blur: 'x' } }, catalog);
    expect(problems.map(({ path }) => path)).toEqual(['augment.blur', 'scheduler']);
  });
});

function dropPath(value: unknown, path: string): unknown {
  if (!isObject(value)) return value;
  const [name, ...rest] = path.split('.');
  const others = Object.entries(value).filter(([key]) => key !== name);
  if (rest.length === 0) return Object.fromEntries(others);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === name ? dropPath(inner, rest.join('.')) : inner]),
  );
}
