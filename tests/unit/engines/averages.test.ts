// Moving averages of the weights, and the exact resume of every rule with and without them.

import { beforeAll, describe, expect, test } from 'vitest';
import type { OptimizerSpecification, StepSpecification, TrainState } from '$lib/engines/contract';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { nodeEngine } from '../../contract/node-engine';
import { differences, fixedBatch } from '../../contract/training';
import { small, stepKinds } from './step-support';

let engine: TfjsEngine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

const adam = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.02 } as const;
const rules: OptimizerSpecification[] = [
  { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.02 },
  { name: 'adam', ...adam },
  { name: 'adam', ...adam, amsgrad: true },
  { name: 'adamw', ...adam },
  { name: 'adamw', ...adam, amsgrad: true },
  { name: 'rmsprop', alpha: 0.9, epsilon: 1e-8, momentum: 0.8, weightDecay: 0.02 },
];

/** The formula of the contract, in double precision. */
function follow(states: readonly TrainState[], decay: number, warmup: boolean): Map<string, number[]> {
  const [first, ...rest] = states;
  const averages = new Map([...first.parameters].map(([name, values]) => [name, [...values]]));
  for (const [index, { parameters }] of rest.entries()) {
    const step = index + 1;
    const kept = warmup ? Math.min(decay, (1 + step) / (10 + step)) : decay;
    for (const [name, values] of averages) {
      values.forEach((value, at) => (values[at] += (1 - kept) * ((parameters.get(name)?.[at] ?? NaN) - value)));
    }
  }
  return averages;
}

describe.each(stepKinds(() => engine))('with parameters on the %s', (_, make) => {
  test.each([
    [0.6, false],
    [0.3, true],
    [0.99, true],
  ])('averages follow the formula: decay %f, warm-up %s', async (decay, warmup) => {
    const graph = small();
    const step = make(graph, { ema: { decay, warmup } });
    const states = [await step.state()];
    for (let index = 0; index < 6; index++) {
      step.run(fixedBatch(graph, 4, index), 0.05).loss.dispose();
      states.push(await step.state());
    }
    const { ema = new Map<string, Float32Array>(), parameters } = states[6];
    expect([...ema.keys()]).toEqual(['conv.weight', 'bn.weight', 'bn.bias', 'fc.weight', 'fc.bias']);
    const expected = follow(states, decay, warmup);
    for (const [name, values] of ema) {
      // float32, six steps.
      values.forEach((value, at) => expect(value, name).toBeCloseTo(expected.get(name)?.[at] ?? NaN, 5));
      expect(values).not.toEqual(parameters.get(name));
    }
    step.dispose();
  });

  test('predictions are those of the averages and the present statistics, unless they are to be raw', async () => {
    const graph = small();
    const step = make(graph, { ema: { decay: 0.9, warmup: false } });
    for (let index = 0; index < 3; index++) step.run(fixedBatch(graph, 4, index), 0.05).loss.dispose();
    const { parameters, ema = new Map<string, Float32Array>() } = await step.state();
    const batch = fixedBatch(graph, 3, 'other');
    const [averaged, raw] = [await step.predict(batch), await step.predict(batch, { raw: true })];
    for (const [prediction, values] of [
      [averaged, new Map([...parameters, ...ema])],
      [raw, parameters],
    ] as const) {
      const predictor = engine.predictor(graph, values);
      const { output } = await predictor.predict(batch);
      // The predictor folds the norm into the convolution: other rounding.
      output.forEach((value, at) => expect(prediction.output[at]).toBeCloseTo(value, 5));
      predictor.dispose();
    }
    expect(averaged.output).not.toEqual(raw.output);
    // Not the averages of a step ago.
    step.run(fixedBatch(graph, 4, 3), 0.05).loss.dispose();
    expect((await step.predict(batch)).output).not.toEqual(averaged.output);
    step.dispose();
  });

  test('averages change nothing of the training', async () => {
    const graph = small(0.3);
    const [plain, averaging] = [make(graph), make(graph, { ema: { decay: 0.9, warmup: true } })];
    for (const step of [plain, averaging]) {
      for (let index = 0; index < 3; index++) step.run(fixedBatch(graph, 4, index), 0.05).loss.dispose();
    }
    const [a, { ema, ...b }] = [await plain.state(), await averaging.state()];
    expect(ema).toBeDefined();
    expect(a.ema).toBeUndefined();
    expect(differences(a, b)).toEqual([]);
    for (const step of [plain, averaging]) step.dispose();
  });

  test('a state without averages lets them begin at its parameters', async () => {
    const graph = small();
    const [plain, averaging] = [make(graph), make(graph, { ema: { decay: 0.9, warmup: false } })];
    plain.run(fixedBatch(graph, 4), 0.05).loss.dispose();
    averaging.run(fixedBatch(graph, 4, 'else'), 0.5).loss.dispose();
    const state = await plain.state();
    averaging.restore(state);
    const { ema } = await averaging.state();
    expect(ema?.get('conv.weight')).toEqual(state.parameters.get('conv.weight'));
    for (const step of [plain, averaging]) step.dispose();
  });

  test('what is frozen is its own average', async () => {
    const graph = small();
    const step = make(graph, { ema: { decay: 0.5, warmup: false }, frozen: new Set(['conv.weight']) });
    step.run(fixedBatch(graph, 4), 0.05).loss.dispose();
    const { ema, parameters } = await step.state();
    expect(ema?.get('conv.weight')).toEqual(parameters.get('conv.weight'));
    expect(ema?.get('fc.weight')).not.toEqual(parameters.get('fc.weight'));
    step.dispose();
  });

  const cases = rules.flatMap((optimizer) => [null, { decay: 0.9, warmup: true }].map((ema) => ({ optimizer, ema })));
  test.each(cases)('$optimizer.name (AMSGrad: $optimizer.amsgrad, EMA: $ema) goes on with the same bits', async (changes) => {
    const specification: Partial<StepSpecification> = { ...changes, clipNorm: 1, clipValue: 0.1, accumulate: 2 };
    const graph = small(0.3);
    const whole = make(graph, specification);
    const run = (step: typeof whole, from: number, to: number): void => {
      for (let index = from; index < to; index++) step.run(fixedBatch(graph, 5, index), 0.02).loss.dispose();
    };
    run(whole, 0, 4);
    const saved = await whole.state();
    const resumed = make(graph, specification);
    run(resumed, 7, 9);
    resumed.restore(saved);
    for (const step of [whole, resumed]) run(step, 4, 7);
    const end = await whole.state();
    expect(end.ema === undefined).toBe(changes.ema === null);
    expect(differences(end, await resumed.state())).toEqual([]);
    expect(differences(end, saved).length).toBeGreaterThan(5);
    for (const step of [whole, resumed]) step.dispose();
  }); // prettier-ignore
});
