import { describe, expect, it } from 'vitest';
import { stream } from '$lib/core/random';
import type { FailureDetail } from '$lib/training/events';
import { lossFailure, LossWatch } from '$lib/training/explosion';
import { makeJob } from './support';

/** Index of the loss at which it gives the alarm, and which; null where it never does. */
function alarm(losses: Iterable<number>): [number, string] | null {
  const watch = new LossWatch();
  let index = 0;
  for (const loss of losses) {
    const failure = watch.see(loss);
    if (failure !== null) return [index, failure];
    index++;
  }
  return null;
}

function* series(count: number, of: (step: number, random: () => number) => number): Generator<number> {
  const random = stream(3, 'losses');
  for (let step = 0; step < count; step++) yield of(step, random);
}

describe('a loss', () => {
  it.each<[string, Iterable<number>]>([
    ['of 1,000 classes with label smoothing', series(500, (_, random) => 6.9 + 0.3 * random())],
    [
      'that rises fivefold at the peak of one cycle',
      series(900, (step) => 2.3 + 9 * Math.exp(-(((step - 300) / 60) ** 2))),
    ],
    [
      'of a good checkpoint whose new head knows nothing yet',
      series(300, (step) => (step < 3 ? 0.01 : 4 + 2 * Math.sin(step))),
    ],
    ['with a batch in twenty that is wrong by far', series(900, (_, random) => (random() < 0.05 ? 5000 : 0.2))],
    ['with three terrible batches in a row', series(300, (step) => (step > 90 && step < 94 ? 1e6 : 0.7))],
    ['that begins high and falls', series(300, (step) => 400 * 0.9 ** step + 1)],
    ['that is wrong and sure of it for long', series(300, (step) => (step < 20 ? 2.3 : 60))],
    ['of tiny numbers', series(300, (step) => 1e-7 * (1 + step))],
    ['below zero', series(300, (step) => -30 + 0.05 * step)],
  ])('%s is no alarm', (_name, losses) => {
    expect(alarm(losses)).toBeNull();
  });

  it('that grows without bound is one, within steps of leaving all bounds', () => {
    const [step, kind] = alarm(series(300, (at) => 2.3 * Math.max(1, 3 ** (at - 50)))) ?? [];
    expect(kind).toBe('exploded');
    // 100 times the first at step 54.2; the median follows it by half its window.
    expect(step).toBeGreaterThan(54);
    expect(step).toBeLessThanOrEqual(63);
  });

  it('that is no number is one at once', () => {
    expect(alarm([1, 1, NaN])).toEqual([2, 'not-finite']);
    expect(alarm([1, Infinity])).toEqual([1, 'not-finite']);
  });
});

describe('the error of a loss that failed', () => {
  const detail: FailureDetail = {
    step: 31,
    learningRate: 0.5,
    loss: NaN,
    gradients: [
      { name: 'fc.weight', norm: Infinity },
      { name: 'conv.weight', norm: 1234.56 },
      { name: 'bn.bias', norm: 3 },
      { name: 'bn.weight', norm: 2 },
    ],
    gradientsAt: 30,
  };

  it('says where, the rate, the largest gradients and what is kept', () => {
    const error = lossFailure('not-finite', detail, { epoch: 4, best: 2, job: makeJob() });
    expect(error.message).toBe(
      'The loss became NaN at step 31 (epoch 4), at a learning rate of 0.5. Largest gradients of step 30, the last one with numbers: fc.weight Infinity, conv.weight 1,230, bn.bias 3.',
    );
    expect(error.hint).toBe(
      'Lower optimizer.learning_rate, to a tenth for a start, or set optimizer.clip_norm to 1. The best checkpoint, of epoch 2, is kept.',
    );
    expect([error.code, error.badInput, error.detail]).toEqual(['loss-not-finite', false, detail]);
  });

  it('recommends only what the job does not do yet', () => {
    const hint = (document: object) =>
      lossFailure('exploded', { ...detail, loss: 1e6 }, { epoch: 1, best: null, job: makeJob(document) }).hint;
    expect(hint({ optimizer: { clip_norm: 1 } })).toBe('Lower optimizer.learning_rate, to a tenth for a start.');
    expect(hint({ scheduler: { name: 'cosine' } })).toBe(
      'Lower optimizer.learning_rate, to a tenth for a start, set optimizer.clip_norm to 1, or set scheduler.warmup_epochs to 1.',
    );
  });
});
