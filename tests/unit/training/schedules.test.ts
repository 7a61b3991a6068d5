import { describe, expect, it } from 'vitest';
import { cosine, createMomentum, createSchedule, oneCycle, withWarmup, type Schedule } from '$lib/training/schedules';
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

  it("cycles the momentum as PyTorch's OneCycleLR does", () => {
    const { scheduler, optimizer } = defaultJob(catalog);
    const momentum = createMomentum({ scheduler: { ...scheduler, name: 'one_cycle' }, optimizer }, 50);
    // betas[0] of torch.optim.AdamW under OneCycleLR(max_lr=0.1, total_steps=50), torch 1.13, rounded to 7 digits.
    const expectedBeta = { 0: 0.95, 1: 0.9487464, 7: 0.9, 14: 0.85, 15: 0.8502013, 30: 0.8932883, 49: 0.95 };
    for (const [step, beta] of Object.entries(expectedBeta)) {
      expect(Math.abs((momentum(Number(step)) ?? 0) - beta), `step ${step}`).toBeLessThan(1e-7);
    }
  });

  it('leaves the momentum alone where there is nothing to cycle', () => {
    const { scheduler, optimizer } = defaultJob(catalog);
    const one = { ...scheduler, name: 'one_cycle' } as const;
    const still = [
      { scheduler: { ...one, cycle_momentum: false }, optimizer },
      { scheduler: { ...one, name: 'cosine' } as const, optimizer },
      { scheduler: one, optimizer: { ...optimizer, name: 'sgd', momentum: 0 } as const },
    ];
    for (const job of still) expect(createMomentum(job, 50)(3)).toBeUndefined();
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
