import { describe, expect, it } from 'vitest';
import { cosine, createSchedule, oneCycle, withWarmup, type Schedule } from '$lib/training/schedules';
import { readGolden } from '../../golden';
import { defaultJob } from '$lib/job/parse';
import { catalog } from '../job/catalog';

const { expected } = readGolden<{ expected: Record<string, number[]> }>('schedulers.json');

/** The golden numbers have 8 significant digits. */
function expectRates(schedule: Schedule, rates: readonly number[]): void {
  rates.forEach((rate, step) => {
    expect(Math.abs(schedule(step) - rate), `step ${step}`).toBeLessThanOrEqual(1e-7 * rate + 1e-12);
  });
}

describe('a learning-rate schedule', () => {
  it("equals PyTorch's OneCycleLR at every step", () => {
    expectRates(oneCycle(0.1, 50, { pct_start: 0.3, div_factor: 25, final_div_factor: 1e4 }), expected.onecycle_50);
  });

  it("equals PyTorch's CosineAnnealingLR", () => {
    expectRates(cosine(0.1, 20, 1e-6), expected.cosine_tmax20_min1e_6);
  });

  it("equals PyTorch's linear warm-up followed by a cosine", () => {
    expectRates(withWarmup(3, 0.1, cosine(0.1, 17, 1e-6)), expected.warmup3_start01_then_cosine17_min1e_6);
  });

  it('comes from the job, by steps: warm-up is counted in epochs', () => {
    const { scheduler } = defaultJob(catalog);
    const options = { rate: 0.1, steps: 200, stepsPerEpoch: 10 };
    const schedule = createSchedule(
      { ...scheduler, name: 'cosine', warmup_epochs: 3, minimum_rate: 1e-6 },
      { ...options, steps: 20, stepsPerEpoch: 1 },
    );
    expectRates(schedule, expected.warmup3_start01_then_cosine17_min1e_6);
    const constant = createSchedule({ ...scheduler, name: 'constant', warmup_epochs: 0.5 }, options);
    expect([0, 5, 199].map(constant)).toEqual([0.1 * 0.1, 0.1, 0.1]);
    expect(createSchedule({ ...scheduler, name: 'one_cycle' }, options)(59)).toBeCloseTo(0.1, 12);
  });

  it.each([1, 2, 3, 4, 7])('of one cycle over %d steps moves at the first step and never exceeds the rate', (steps) => {
    const schedule = oneCycle(0.1, steps, { pct_start: 0.3, div_factor: 25, final_div_factor: 1e4 });
    const rates = Array.from({ length: steps }, (_, step) => schedule(step));
    expect(rates.every((rate) => rate > 0 && rate <= 0.1)).toBe(true);
    expect(rates[0]).toBeGreaterThan(0.003);
  });
});
