// The job behind the Train page: presets, models and changes by hand, and what follows from what.
import { flushSync } from 'svelte';
import { expect, test } from 'vitest';
import { getPath, setPath } from '../../../src/lib/core/path';
import { defaultJob } from '../../../src/lib/job/parse';
import { MODELS } from '../../../src/lib/models/registry';
import { JobDraft } from '../../../src/lib/state/job-draft.svelte';
import { TASKS } from '../../../src/lib/tasks/catalog';

const DATA = { classes: 3, images: { train: 840, val: 180, test: 180 }, width: 64, height: 64, grey: false };
const context = { models: MODELS, tasks: TASKS, data: DATA };

function draftOf(given?: Record<string, unknown>) {
  return new JobDraft({ context, task: TASKS[0], given });
}

/** As the form does: the whole value with one thing changed. */
function set(draft: JobDraft, path: string, value: unknown) {
  draft.setValue(setPath(draft.value, path, value) as Record<string, unknown>); // setPath keeps the object
  flushSync();
}

test('it starts with a preset and the smallest model, with nothing changed', () => {
  const draft = draftOf();
  expect(draft.preset).toBe('balanced');
  expect(draft.model).toBe('tiny-cnn');
  expect(draft.problems).toEqual([]);
  expect(draft.job.early_stopping.enabled).toBe(true);
  expect(draft.value).toEqual(draft.base);
});

test('a default follows the choice it depends on until it is set by hand', () => {
  const draft = draftOf();
  expect(draft.job.optimizer.learning_rate).toBe(0.004);
  set(draft, 'optimizer.name', 'sgd');
  expect(draft.job.optimizer.learning_rate).toBe(0.05);
  // The rate was not changed by anybody, so it is not marked.
  expect(getPath(draft.base, 'optimizer.learning_rate')).toBe(0.05);
  set(draft, 'seed', 7);
  expect(Object.keys(draft.changes)).toEqual(['optimizer.name', 'seed']);
  set(draft, 'optimizer.learning_rate', 0.2);
  set(draft, 'optimizer.name', 'adamw');
  expect(draft.job.optimizer.learning_rate).toBe(0.2);
});

test('another preset takes back what the first one set and keeps what the person set', () => {
  const draft = draftOf();
  draft.setPreset('best');
  set(draft, 'training.batch_size', 16);
  set(draft, 'training.epochs', 55);
  draft.setPreset('draft');
  flushSync();
  expect(draft.job.training).toMatchObject({ epochs: 8, batch_size: 16 });
  expect(draft.job.augment.policy.name).toBe('none');
  expect(Object.keys(draft.changes)).toEqual(['training.batch_size']);
});

test('another model brings its own settings and keeps the rest', () => {
  const draft = draftOf();
  set(draft, 'model.config.width', 2);
  set(draft, 'training.epochs', 12);
  draft.setModel('resnet18');
  flushSync();
  expect(draft.problems).toEqual([]);
  expect(draft.job.model).toEqual({ name: 'resnet18', config: { dropout: 0, drop_path: 0 }, weights: null });
  expect(draft.job.training.epochs).toBe(12);
});

test('what is wrong is told by its path and stays as it was typed', () => {
  const draft = draftOf();
  set(draft, 'optimizer.learning_rate', -1);
  expect(draft.problems.map(({ path }) => path)).toEqual(['optimizer.learning_rate']);
  expect(draft.problems[0].message).toContain('-1');
  expect(getPath(draft.value, 'optimizer.learning_rate')).toBe(-1);
});

test('a whole job is taken over as it is, and given back the same', () => {
  const job = defaultJob(context, undefined, 'mobilenetv2_100');
  const wanted = {
    ...job,
    optimizer: { ...job.optimizer, name: 'sgd' as const, learning_rate: 0.004, weight_decay: 0 },
    training: { ...job.training, epochs: 3, batch_size: 7 },
    seed: 42,
  };
  const draft = draftOf();
  expect(draft.adopt(wanted)).toEqual([]);
  flushSync();
  expect(draft.preset).toBeNull();
  expect(draft.job).toEqual(wanted);
});

test('a job that is wrong changes nothing', () => {
  const draft = draftOf();
  const before = draft.job;
  const problems = draft.adopt({ version: 1, training: { epochs: 0 }, optimiser: {} });
  expect(problems.map(({ path }) => path).sort()).toEqual(['optimiser', 'training.epochs']);
  expect(draft.job).toEqual(before);
});

test('what was kept is there again, what does not fit is left out', () => {
  const draft = draftOf();
  draft.setPreset('best');
  set(draft, 'training.epochs', 9);
  const again = draftOf();
  again.restore(JSON.parse(JSON.stringify(draft.record())));
  flushSync();
  expect(again.job).toEqual(draft.job);
  again.restore({ preset: 'gone', model: 'gone', changes: { 'no.such.field': 1 } });
  expect(again.model).toBe('tiny-cnn');
  expect(again.changes).toEqual({});
});

test('the device that was forced is in the job and counts as unchanged', () => {
  const draft = draftOf({ 'engine.device': 'cpu' });
  expect(draft.job.engine.device).toBe('cpu');
  expect(draft.value).toEqual(draft.base);
});

test('weights to start from decide what learns, and stay when other settings change', () => {
  const draft = draftOf();
  draft.setModel('resnet18');
  draft.setWeights('timm/resnet18.a1_in1k');
  flushSync();
  expect(draft.job.fine_tune.train).toBe('head');
  expect(draft.value).toEqual(draft.base);
  set(draft, 'fine_tune.train', 'all');
  set(draft, 'training.epochs', 5);
  expect(draft.job.model.weights).toBe('timm/resnet18.a1_in1k');
  expect(getPath(draft.base, 'fine_tune.train')).toBe('head');
  const again = draftOf();
  again.restore(JSON.parse(JSON.stringify(draft.record())));
  const adopted = draftOf();
  expect(adopted.adopt(draft.job)).toEqual([]);
  flushSync();
  expect(again.job).toEqual(draft.job);
  expect(adopted.job).toEqual(draft.job);
  draft.setModel('tiny-cnn');
  flushSync();
  expect(draft.job.model.weights).toBeNull();
  // Without weights the backbone cannot stay as it is: the form says so where it was set.
  expect(draft.problems).toEqual([]);
});

test('every change can be taken back and done again, one at a time', () => {
  const draft = draftOf();
  expect([draft.canUndo, draft.canRedo]).toEqual([false, false]);
  set(draft, 'training.epochs', 5);
  draft.setPreset('best');
  draft.setModel('resnet18');
  set(draft, 'optimizer.name', 'sgd');
  set(draft, 'seed', 3);
  const end = draft.job;
  draft.undo();
  flushSync();
  expect([draft.job.seed, draft.job.optimizer.name]).toEqual([0, 'sgd']);
  draft.undo();
  draft.undo();
  flushSync();
  expect([draft.model, draft.preset]).toEqual(['tiny-cnn', 'best']);
  draft.undo();
  flushSync();
  expect([draft.preset, draft.job.training.epochs]).toEqual(['balanced', 5]);
  draft.undo();
  flushSync();
  expect([draft.changes, draft.canUndo]).toEqual([{}, false]);
  for (let step = 0; step < 5; step++) draft.redo();
  flushSync();
  expect(draft.job).toEqual(end);
  expect(draft.canRedo).toBe(false);
});

test('digits typed one after another are one change; another change after an undo forgets what was undone', () => {
  const draft = draftOf();
  for (const epochs of [1, 12, 125]) set(draft, 'training.epochs', epochs);
  draft.undo();
  flushSync();
  expect(draft.job.training.epochs).toBe(30);
  expect(draft.canUndo).toBe(false);
  set(draft, 'seed', 1);
  expect(draft.canRedo).toBe(false);
});

test('a job that is taken over is one change', () => {
  const draft = draftOf();
  const job = defaultJob(context, undefined, 'mobilenetv2_100');
  draft.adopt({ ...job, optimizer: { ...job.optimizer, name: 'sgd' }, seed: 9 });
  flushSync();
  draft.undo();
  flushSync();
  expect([draft.model, draft.preset, draft.changes, draft.canUndo]).toEqual(['tiny-cnn', 'balanced', {}, false]);
});

test('a preset is suggested with its reason where the data asks for it', () => {
  const uneven = { ...DATA, largestClass: 700, smallestClass: 20 };
  const draft = new JobDraft({ context: { ...context, data: uneven }, task: TASKS[0] });
  expect(Object.keys(draft.suggestions)).toEqual(['imbalanced']);
  expect(draft.suggestions.imbalanced).toContain('700');
  expect(draftOf().suggestions).toEqual({});
});

test('falls of the rate follow the epochs until they are set by hand', () => {
  const draft = draftOf();
  set(draft, 'scheduler.name', 'multi_step');
  set(draft, 'training.epochs', 60);
  expect(draft.job.scheduler.milestones).toEqual([20, 40]);
  expect(Object.keys(draft.changes)).toEqual(['training.epochs', 'scheduler.name']);
  set(draft, 'scheduler.milestones', [50]);
  set(draft, 'training.epochs', 90);
  expect(draft.job.scheduler.milestones).toEqual([50]);
});
