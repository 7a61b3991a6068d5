import { describe, expect, it } from 'vitest';
import { NOTHING_FROZEN } from '$lib/training/freezing';
import { optimizerOf } from '$lib/training/optimizer';
import { makeJob } from './support';

const NAMES = ['conv1.weight', 'layer1.0.weight', 'layer1.1.weight', 'layer10.weight', 'fc.weight'];

function specification(document: object, extras?: Parameters<typeof optimizerOf>[3]) {
  return optimizerOf(makeJob(document), (output) => output, NOTHING_FROZEN.at(0), extras);
}

describe("a job's step", () => {
  it.each([
    [
      { name: 'sgd', momentum: 0.8, nesterov: true, weight_decay: 0.1 },
      { name: 'sgd', momentum: 0.8, nesterov: true, weightDecay: 0.1 },
    ],
    [
      { name: 'adam', betas: [0.8, 0.99], epsilon: 1e-6, amsgrad: true, weight_decay: 0 },
      { name: 'adam', betas: [0.8, 0.99], epsilon: 1e-6, amsgrad: true, weightDecay: 0 },
    ],
    [
      { name: 'adamw', betas: [0.8, 0.99], epsilon: 1e-6, amsgrad: false, weight_decay: 0.2 },
      { name: 'adamw', betas: [0.8, 0.99], epsilon: 1e-6, amsgrad: false, weightDecay: 0.2 },
    ],
    [
      { name: 'rmsprop', alpha: 0.95, epsilon: 1e-6, momentum: 0.5, weight_decay: 0.2 },
      { name: 'rmsprop', alpha: 0.95, epsilon: 1e-6, momentum: 0.5, weightDecay: 0.2 },
    ],
  ])('has the rule that it names: %o', (optimizer, rule) => {
    expect(specification({ optimizer }).optimizer).toEqual(rule);
  });

  it('clips, averages and accumulates as it says', () => {
    const { clipNorm, clipValue, ema, accumulate } = specification({
      optimizer: { clip_norm: 2, clip_value: 0.5 },
      ema: { decay: 0.999, warmup: false },
      training: { batch_size: 8, accumulate: 4 },
    });
    expect({ clipNorm, clipValue, ema, accumulate }).toEqual({
      clipNorm: 2,
      clipValue: 0.5,
      ema: { decay: 0.999, warmup: false },
      accumulate: 4,
    });
    expect(specification({ ema: { decay: 0 } }).ema).toBeNull();
  });

  it('computes batches in more parts where the device could not do as asked', () => {
    expect(specification({ training: { batch_size: 8, accumulate: 2 } }, { accumulate: 8 }).accumulate).toBe(8);
  });

  it('has factors by layer, of which the longest beginning counts, on top of those of the stages', () => {
    const job = makeJob({ optimizer: { layer_rates: 'layer1=0.5, layer1.1.=0.1, fc.=10, conv1.=1' } });
    const frozen = { ...NOTHING_FROZEN.at(0), rateScale: new Map([['fc.weight', 0.5], ['conv1.weight', 0.25]]) }; // prettier-ignore
    const { rateScale } = optimizerOf(job, (output) => output, frozen, { names: NAMES });
    expect(Object.fromEntries(rateScale ?? [])).toEqual({
      'fc.weight': 5,
      'conv1.weight': 0.25,
      'layer1.0.weight': 0.5,
      'layer1.1.weight': 0.1,
      'layer10.weight': 0.5,
    });
  });
});
