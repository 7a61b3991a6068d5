import { describe, expect, it } from 'vitest';
import { Saver } from '$lib/training/saver';

interface Machine {
  /** Milliseconds of a step, and of one beside which something is written. */
  step: number;
  slowStep: number;
  /** For which a copy holds training. */
  copy: number;
  /** Steps that writing takes. */
  writes: number;
}

/** A run of some hours in which everything takes as long as it is said to. */
async function simulate(machine: Machine, autosaveMs: number, hours: number) {
  let time = 0;
  let left = 0;
  let atOnce = 0;
  let most = 0;
  const saved: number[] = [];
  let finish: () => void = () => undefined;
  const saver = new Saver({ autosaveMs, now: () => time });
  let overhead = 0;
  while (time < hours * 3_600_000) {
    time += left > 0 ? machine.slowStep : machine.step;
    if (left > 0) {
      overhead += machine.slowStep - machine.step;
      if (--left === 0) {
        finish();
        // As many turns as the loop itself takes between two steps.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    saver.stepped();
    if (!saver.due) continue;
    time += machine.copy;
    overhead += machine.copy;
    saver.held(machine.copy);
    saved.push(time);
    await saver.write(
      () => {
        most = Math.max(most, ++atOnce);
        left = machine.writes;
        return new Promise((resolve) => {
          finish = () => {
            atOnce--;
            resolve();
          };
        });
      },
      () => undefined,
    );
  }
  const gaps = saved.slice(1).map((at, i) => at - saved[i]);
  return { share: overhead / time, saved: saved.length, gaps, most };
}

describe('autosave', () => {
  it.each([
    ['a small model on a GPU', { step: 20, slowStep: 21, copy: 3, writes: 5 }],
    ['a large one', { step: 400, slowStep: 440, copy: 300, writes: 10 }],
    ['one whose copy alone takes seconds', { step: 900, slowStep: 1000, copy: 4000, writes: 8 }],
    ['one beside whose writing nothing goes on', { step: 500, slowStep: 6000, copy: 100, writes: 3 }],
  ])('costs under 3%% of the time: %s', async (_name, machine) => {
    const { share, saved, most } = await simulate(machine, 30_000, 2);
    expect(share).toBeLessThan(0.03);
    expect(saved).toBeGreaterThan(10);
    expect(most).toBe(1);
  });

  it('is made as often as it is asked for where that is cheap', async () => {
    const { gaps } = await simulate({ step: 100, slowStep: 110, copy: 50, writes: 4 }, 30_000, 0.5);
    expect(gaps.length).toBeGreaterThan(50);
    for (const gap of gaps) expect(gap).toBeLessThan(30_000 + 300);
  });

  it('is made less often where it is dear', async () => {
    // 4 s a time: at 3% once in 133 s.
    const { gaps } = await simulate({ step: 100, slowStep: 100, copy: 4000, writes: 4 }, 30_000, 0.5);
    for (const gap of gaps) expect(gap).toBeGreaterThan(130_000);
    expect(Math.max(...gaps)).toBeLessThan(145_000);
  });

  it('counts work, not pauses', async () => {
    let time = 0;
    const saver = new Saver({ autosaveMs: 30_000, now: () => time });
    time = 20_000;
    saver.stepped();
    time = 500_000;
    saver.skip();
    expect(saver.due).toBe(false);
    time = 509_999;
    saver.stepped();
    expect(saver.due).toBe(false);
    time = 510_000;
    expect(saver.due).toBe(true);
    await saver.settled();
  });

  it('writes the next only when the one before has ended, and throws what writing threw', async () => {
    const saver = new Saver({ autosaveMs: 0, now: () => 0 });
    const done: string[] = [];
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((end) => (resolve = end));
    await saver.write(() => promise, () => done.push('first')); // prettier-ignore
    expect(saver.due).toBe(false);
    const second = saver.write(() => Promise.reject(new Error('disk full')), () => done.push('second')); // prettier-ignore
    await Promise.resolve();
    expect(done).toEqual([]);
    resolve();
    await second;
    expect(done).toEqual(['first']);
    await expect(saver.flush()).rejects.toThrow('disk full');
    expect(done).toEqual(['first']);
    await saver.flush();
  });

  it('throws at the next step what writing threw', async () => {
    const saver = new Saver({ autosaveMs: 0, now: () => 0 });
    await saver.write(() => Promise.reject(new Error('disk full')), () => undefined); // prettier-ignore
    await saver.settled();
    expect(() => saver.stepped()).toThrow('disk full');
    saver.stepped();
  });
});
