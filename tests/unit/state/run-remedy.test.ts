// The gentler job after a loss that ran away.
import { expect, test } from 'vitest';
import { gentler, gentlerText } from '$lib/state/run-remedy';
import type { Job } from '$lib/job/job';

/** Only the optimiser is looked at. */
const jobWith = (learning_rate: number, clip_norm: number) =>
  ({ seed: 7, optimizer: { name: 'sgd', learning_rate, clip_norm, momentum: 0.9 } }) as unknown as Job;

test('the rate is a tenth without rounding showing, gradients are clipped to 1, all else stays', () => {
  expect(gentler(jobWith(0.1, 0))).toEqual(jobWith(0.01, 1));
  expect(gentler(jobWith(0.7, 5)).optimizer).toMatchObject({ learning_rate: 0.07, clip_norm: 1, momentum: 0.9 });
});

test('gradients that are clipped shorter already stay so', () => {
  expect(gentler(jobWith(1, 0.25)).optimizer.clip_norm).toBe(0.25);
});

test('it says what changes', () => {
  expect(gentlerText(jobWith(0.1, 0))).toBe('learning rate 0.01 instead of 0.1, gradients clipped to 1');
});
