import { describe, expect, it } from 'vitest';
import { getTask } from '$lib/tasks/registry';
import { chooseMetric, Judge } from '$lib/training/judge';
import { makeJob } from './support';

const task = getTask('classification');

function judge(document: object, carried?: ConstructorParameters<typeof Judge>[2]): Judge {
  const job = makeJob({ validation: { metric: 'loss' }, ...document });
  return new Judge(chooseMetric(job, task), job, carried);
}

/** One validation an epoch. */
function see(judge: Judge, losses: readonly number[]) {
  return losses.map((val_loss, i) => judge.see({ val_loss }, i + 1, `top-${i + 1}`));
}

describe('the best few', () => {
  it('are as many as the job says, the best first, and the worst goes', () => {
    const own = judge({ checkpoints: { top_k: 2 } });
    const verdicts = see(own, [5, 4, 6, 3, 3.5]);
    expect(verdicts.map(({ top, dropped }) => [top, ...dropped])).toEqual([
      ['top-1'],
      ['top-2'],
      [null],
      ['top-4', 'top-1'],
      ['top-5', 'top-2'],
    ]);
    expect(own.state().top?.map(({ slot }) => slot)).toEqual(['top-4', 'top-5']);
  });

  it('of equal values are the earlier ones', () => {
    const verdicts = see(judge({ checkpoints: { top_k: 2 } }), [1, 1, 1]);
    expect(verdicts.map(({ top, best }) => [top, best])).toEqual([
      ['top-1', true],
      ['top-2', false],
      [null, false],
    ]);
  });

  it('go on from where a run left off', () => {
    const first = judge({ checkpoints: { top_k: 2 } });
    see(first, [5, 4]);
    const carried = { lossSum: 0, lossSteps: 0, ...first.state() };
    const second = judge({ checkpoints: { top_k: 2 } }, carried);
    expect(second.see({ val_loss: 4.5 }, 3, 'top-3')).toEqual({ best: false, top: 'top-3', dropped: ['top-1'] });
  });

  it('are not asked for by a job that keeps none, and are not kept in its checkpoints', () => {
    const own = judge({});
    expect(see(own, [2, 1]).map(({ top }) => top)).toEqual([null, null]);
    expect(Object.keys(own.state())).toEqual(['best', 'stopping']);
  });
});

describe('a value that is no number', () => {
  it('is never the best, not even the first', () => {
    const own = judge({ checkpoints: { top_k: 2 }, scheduler: { name: 'plateau', patience: 0 } });
    expect(own.see({ val_loss: NaN }, 1, 'top-1')).toEqual({ best: false, top: null, dropped: [] });
    expect(own.best).toBeNull();
    expect(own.see({ val_loss: 3 }, 2, 'top-2').best).toBe(true);
    expect(own.see({}, 3, 'top-3')).toEqual({ best: false, top: null, dropped: [] });
    expect(own.best).toEqual({ metric: 'val_loss', value: 3, epoch: 2 });
  });
});

describe('early stopping and the plateau', () => {
  it('begin anew with a segment, keeping what was reached', () => {
    const own = judge({
      early_stopping: { enabled: true, patience: 2 },
      scheduler: { name: 'plateau', patience: 0, factor: 0.5 },
    });
    see(own, [1, 2, 3]);
    expect([own.givesUp, own.plateau.factor]).toEqual([true, 0.25]);
    own.restart();
    expect([own.givesUp, own.plateau.factor, own.best?.value]).toEqual([false, 1, 1]);
    see(own, [1.5, 1.4]);
    // Better than one another, but not than what was reached.
    expect(own.givesUp).toBe(true);
  });

  it('a plateau watches nothing in a warm-up', () => {
    const own = judge({ scheduler: { name: 'plateau', patience: 0, factor: 0.5, warmup_epochs: 2 } });
    for (const val_loss of [1, 2, 3]) own.see({ val_loss }, 1, 'x', true);
    expect(own.plateau).toEqual({ factor: 1, best: null, waited: 0, cooling: 0 });
    own.see({ val_loss: 4 }, 2, 'x');
    own.see({ val_loss: 4 }, 3, 'x');
    expect(own.plateau).toEqual({ factor: 0.5, best: 4, waited: 0, cooling: 0 });
  });
});
