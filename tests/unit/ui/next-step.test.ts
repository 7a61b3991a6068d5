// The overview always names the next sensible step.
import { expect, test } from 'vitest';
import { nextStep, type ProjectSituation } from '$lib/state/next-step';

const fresh: ProjectSituation = {
  images: 2569,
  classes: 5,
  importing: false,
  training: null,
  trained: [],
  evaluated: null,
  warnings: 0,
};
const run = { id: 'r', name: 'tiny-cnn 1' };

test('without images it is to bring some in', () => {
  expect(nextStep({ ...fresh, images: 0 })).toMatchObject({ id: 'import', action: 'Import images' });
});

test('with images it is to train, and open problems are mentioned', () => {
  expect(nextStep(fresh).sentence).toBe('2,569 images in 5 classes. Train a first model.');
  expect(nextStep({ ...fresh, warnings: 2 }).sentence).toContain('open problems');
});

test('a run that goes on comes before everything but an import', () => {
  expect(nextStep({ ...fresh, training: run, trained: [run] })).toMatchObject({ id: 'watch', runId: 'r' });
  expect(nextStep({ ...fresh, training: run, importing: true }).id).toBe('wait');
});

test('a trained model is to be tested, a tested one to be exported', () => {
  expect(nextStep({ ...fresh, trained: [run] })).toMatchObject({ id: 'evaluate', runId: 'r' });
  const evaluated = { ...run, result: '95.0 % accuracy', beatsBaseline: true };
  expect(nextStep({ ...fresh, trained: [run], evaluated })).toMatchObject({ id: 'export', runId: 'r' });
});

test('a model no better than guessing is not offered for export', () => {
  const evaluated = { ...run, result: '20.0 % accuracy', beatsBaseline: false };
  expect(nextStep({ ...fresh, trained: [run], evaluated })).toMatchObject({
    id: 'improve',
    action: 'See its mistakes',
  });
});
