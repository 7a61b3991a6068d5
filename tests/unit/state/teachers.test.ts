// Which runs the Train page offers as teachers, and how the job's form takes them.

import { expect, test } from 'vitest';
import { getPath } from '$lib/core/path';
import { fieldAt } from '$lib/core/validate';
import { checkJob } from '$lib/job/parse';
import { jobFields } from '$lib/job/schema';
import { MODELS } from '$lib/models/registry';
import { canTeach } from '$lib/state/teachers';
import { TASKS } from '$lib/tasks/catalog';

const catalog = { models: MODELS, tasks: TASKS };
const { job } = checkJob({ version: 2 }, catalog);
const run = { job, classes: ['rose', 'tulip'], epochsDone: 3 };
const to = { task: job.task, classes: ['tulip', 'rose'] };

test('a run that has learnt the same classes of the same task can teach', () => {
  expect(canTeach(run, to)).toBe(true);
  expect(canTeach({ ...run, epochsDone: 0 }, to)).toBe(false);
  expect(canTeach({ ...run, classes: ['rose', 'daisy'] }, to)).toBe(false);
  expect(canTeach(run, { ...to, task: 'multi_label' })).toBe(false);
});

test('where runs are known the teacher is one of them', () => {
  const known = { ...catalog, teachers: [{ id: 'a1', name: 'resnet18 (91 %)' }] };
  const field = fieldAt(jobFields(known, TASKS[0], MODELS[0]), 'distillation.teacher');
  expect(field).toMatchObject({
    type: 'choice',
    options: [{ value: '' }, { value: 'run:a1', title: 'resnet18 (91 %)' }],
  });
  const chosen = checkJob({ version: 2, distillation: { teacher: 'run:a1' } }, known);
  expect([chosen.problems, getPath(chosen.job, 'distillation.teacher')]).toEqual([[], 'run:a1']);
  const none = checkJob({ version: 2 }, known);
  expect([none.problems, none.job.distillation.teacher]).toEqual([[], null]);
  const gone = checkJob({ version: 2, distillation: { teacher: 'run:b2' } }, known);
  expect(gone.problems.map(({ path }) => path)).toEqual(['distillation.teacher']);
});
