// What a training step promises beyond its mathematics, which tests/parity checks.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Batch, StepSpecification, TrainStep } from '$lib/engines/contract';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import { nodeEngine } from '../../contract/node-engine';
import { PLAIN, compile, differences, fixedBatch } from '../../contract/training';
import { onDevice, small, stepKinds } from './step-support';

let engine: TfjsEngine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

describe.each(stepKinds(() => engine))('with parameters on the %s', (_, make) => {
  test('running statistics move as PyTorch’s: mean by a tenth, variance unbiased', async () => {
    const graph = small();
    const step = make(graph);
    const before = await step.state();
    const batch = fixedBatch(graph, 4);
    step.run(batch, 0).loss.dispose();
    const { parameters } = await step.state();
    step.dispose();

    // The convolution's output by tfjs's own operation, its moments in double precision.
    const weight = before.parameters.get('conv.weight') ?? new Float32Array();
    const outputs = tf.tidy(() => {
      const images = tf.tensor4d(
        Float32Array.from(batch.images, (byte) => byte / 255),
        [4, 6, 6, 3],
      );
      return tf.conv2d(images, tf.tensor4d(weight, [3, 3, 3, 8]), 1, 'same').dataSync<'float32'>();
    });
    for (let channel = 0; channel < 8; channel++) {
      const values = Array.from(outputs).filter((_value, at) => at % 8 === channel);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const unbiased = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      // float32 sums of 144 numbers.
      expect(parameters.get('bn.running_mean')?.[channel]).toBeCloseTo(0.1 * mean, 6);
      expect(parameters.get('bn.running_var')?.[channel]).toBeCloseTo(0.9 + 0.1 * unbiased, 6);
    }
  });

  test('a rate of zero moves no trainable parameter', async () => {
    const graph = small();
    const step = make(graph);
    const before = await step.state();
    step.run(fixedBatch(graph, 4), 0).loss.dispose();
    const after = await step.state();
    step.dispose();
    expect(differences(before, after)).toEqual(['step', 'parameters/bn.running_mean', 'parameters/bn.running_var', 'optimizer/exp_avg', 'optimizer/exp_avg_sq']); // prettier-ignore
  });

  test('frozen parameters keep their bits, and so do the statistics of a frozen norm', async () => {
    const graph = small();
    const frozen = new Set(['conv.weight', 'bn.weight', 'bn.bias']);
    const step = make(graph, { frozen });
    const before = await step.state();
    for (let index = 0; index < 3; index++) step.run(fixedBatch(graph, 4, index), 0.1).loss.dispose();
    const after = await step.state();
    step.dispose();
    expect(differences(before, after)).toEqual(['step', 'parameters/fc.weight', 'parameters/fc.bias', 'optimizer/exp_avg', 'optimizer/exp_avg_sq']); // prettier-ignore
    // Nothing was gathered for what does not move; the buffers still cover every trainable parameter.
    const momentum = after.optimizer.get('exp_avg') ?? new Float32Array();
    expect(momentum.length).toBe(27 * 8 + 8 + 8 + 8 * 3 + 3);
    expect(momentum.subarray(0, 27 * 8 + 16).every((value) => value === 0)).toBe(true);
    expect(momentum.subarray(27 * 8 + 16).some((value) => value !== 0)).toBe(true);
  });

  test('what is frozen costs no backward pass and is evaluated, without stochastic depth', async () => {
    const builder = new GraphBuilder([6, 6]);
    const first = builder.activation(builder.conv2d('a', builder.input, { filters: 4, kernel: 3, padding: 1 }), 'relu');
    const branch = builder.dropPath('path', builder.conv2d('b', first, { filters: 4, kernel: 3, padding: 1 }), 0.5);
    const x = builder.conv2d('c', builder.add(first, branch), { filters: 4, kernel: 3, padding: 1 });
    const graph = builder.build(builder.linear('fc', builder.globalAvgPool(x), { features: 3 }));
    const names = ['a', 'b'].flatMap((id) => [`${id}.weight`, `${id}.bias`]);
    const [free, held] = [make(graph), make(graph, { frozen: new Set(names) })];
    const batch = fixedBatch(graph, 4);
    const count = async (step: TrainStep): Promise<number> => {
      const { kernels } = await tf.profile(() => {
        step.run(batch, 0).loss.dispose();
        return tf.scalar(0);
      });
      return kernels.filter(({ name }) => /Gradient|Backprop/.test(name)).length;
    };
    // Three filters and two inputs against one filter: the first input and what is frozen need no gradient.
    expect([await count(free), await count(held)]).toEqual([5, 1]);
    const losses: number[] = [];
    for (let index = 0; index < 3; index++) losses.push(await held.run(batch, 0).loss.read());
    expect(new Set(losses).size).toBe(1);
    const drawn: number[] = [];
    for (let index = 0; index < 3; index++) drawn.push(await free.run(batch, 0).loss.read());
    expect(new Set(drawn).size).toBeGreaterThan(1);
    for (const step of [free, held]) step.dispose();
  });

  test('dropout draws other values at each step, and the same ones at the same step', async () => {
    const graph = small(0.5);
    const batch = fixedBatch(graph, 4);
    const losses = async (seed: number): Promise<number[]> => {
      const step = make(graph, { seed });
      const found: number[] = [];
      for (let index = 0; index < 3; index++) found.push(await step.run(batch, 0).loss.read());
      step.dispose();
      return found;
    };
    const first = await losses(1);
    expect(new Set(first).size).toBe(3);
    expect(await losses(1)).toEqual(first);
    expect(await losses(2)).not.toEqual(first);
  });

  test('evaluation drops nothing and is the predictor’s', async () => {
    const graph = small(0.5);
    const step = make(graph);
    step.run(fixedBatch(graph, 4), 0.01).loss.dispose();
    const batch = fixedBatch(graph, 3, 'other');
    const [one, again] = [await step.predict(batch), await step.predict(batch)];
    expect(again.output).toEqual(one.output);
    const { parameters } = await step.state();
    const predictor = engine.predictor(graph, parameters);
    const other = await predictor.predict(batch, { features: true });
    expect(other.outputShape).toEqual([3, 3]);
    // Another order of the same operations is allowed, rounding is not 1e-6 of the outputs.
    for (const [at, value] of one.output.entries()) expect(other.output[at]).toBeCloseTo(value, 5);
    expect(other.features?.length).toBe(3 * 8);
    predictor.dispose();
    step.dispose();
  });

  test('a batch may be reused as soon as run returns', async () => {
    const graph = small();
    const [one, other] = [make(graph), make(graph)];
    const batch = fixedBatch(graph, 4);
    const images = Float32Array.from(batch.images, (byte) => byte / 255);
    const reused: Batch = { ...batch, images: images.slice(), targets: { ...batch.targets, values: batch.targets.values.slice() } }; // prettier-ignore
    const [kept, overwritten] = [one.run({ ...batch, images }, 0.01), other.run(reused, 0.01)];
    reused.images.fill(7);
    reused.targets.values.fill(1);
    expect(await overwritten.loss.read()).toBe(await kept.loss.read());
    expect(differences(await one.state(), await other.state())).toEqual([]);
    for (const step of [one, other]) step.dispose();
  });

  test('the state is a copy', async () => {
    const graph = small();
    const step = make(graph);
    const state = await step.state();
    const copy = {
      ...state,
      parameters: new Map([...state.parameters].map(([name, values]) => [name, values.slice()])),
    };
    state.parameters.get('fc.weight')?.fill(99);
    expect(differences(await step.state(), copy)).toEqual([]);
    step.restore(copy);
    copy.parameters.get('fc.weight')?.fill(99);
    expect((await step.state()).parameters.get('fc.weight')?.[0]).not.toBe(99);
    step.dispose();
  });

  test('frees everything, also when a step throws', async () => {
    const before = tf.memory().numTensors;
    const graph = small();
    const step = make(graph, {
      loss: () => {
        throw new Error('no loss');
      },
    });
    const held = tf.memory().numTensors;
    expect(() => step.run(fixedBatch(graph, 4), 0.1)).toThrow('no loss');
    step.restore(await step.state());
    expect(tf.memory().numTensors).toBe(held);
    step.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('host and device take the same steps', async () => {
  const graph = small(0.2);
  const changes: Partial<StepSpecification> = { clipNorm: 0.5, frozen: new Set(['fc.bias']) };
  const [host, device] = [compile(engine, graph, changes), onDevice(graph, changes)];
  for (let index = 0; index < 10; index++) {
    const batch = fixedBatch(graph, 4, index);
    const [a, b] = [host.run(batch, 0.01), device.run(batch, 0.01)];
    expect(await b.loss.read()).toBeCloseTo(await a.loss.read(), 4);
  }
  const [a, b] = [await host.state(), await device.state()];
  expect([...b.parameters.keys()].sort()).toEqual([...a.parameters.keys()].sort());
  for (const [name, values] of a.parameters) {
    // Adam divides by small second moments: rounding grows to 1e-4 over ten steps.
    values.forEach((value, at) => expect(b.parameters.get(name)?.[at]).toBeCloseTo(value, 3));
  }
  for (const step of [host, device]) step.dispose();
});

test('a momentum for one step replaces the first beta', async () => {
  const graph = small(0);
  const beta = { optimizer: { name: 'adamw', betas: [0.8, 0.999], epsilon: 1e-8, weightDecay: 0.05 } } as const;
  const own = { optimizer: { ...beta.optimizer, betas: [0.9, 0.999] } } as const;
  const [fixed, given, device, other] = [
    compile(engine, graph, beta),
    compile(engine, graph, own),
    onDevice(graph, own),
    compile(engine, graph, own),
  ];
  for (let index = 0; index < 3; index++) {
    const batch = fixedBatch(graph, 4, index);
    fixed.run(batch, 0.01).loss.dispose();
    given.run(batch, 0.01, { momentum: 0.8 }).loss.dispose();
    device.run(batch, 0.01, { momentum: 0.8 }).loss.dispose();
    other.run(batch, 0.01).loss.dispose();
  }
  const [a, b, c, d] = await Promise.all([fixed, given, device, other].map((step) => step.state()));
  expect(b.parameters).toEqual(a.parameters);
  // As above: rounding grows where Adam divides by small second moments.
  for (const [name, values] of a.parameters) {
    values.forEach((value, at) => expect(c.parameters.get(name)?.[at]).toBeCloseTo(value, 3));
  }
  expect(d.parameters).not.toEqual(a.parameters);
  for (const step of [fixed, given, device, other]) step.dispose();
});

test('memory is the heap and the parameters of the steps that are alive', () => {
  const before = engine.memory();
  expect(before.bytes).toBeGreaterThan(1e6);
  const step = compile(engine, small());
  const parameters = 27 * 8 + 8 + 8 + 8 * 3 + 3;
  // Values, two moments, statistics.
  expect(engine.memory().bytes - before.bytes).toBe(4 * (3 * parameters + 16));
  step.dispose();
  expect(engine.memory()).toEqual(before);
});

test('a clone shares its original’s memory until both are gone', () => {
  const original = tf.tensor1d([1, 2, 3]);
  const { numDataBuffers } = tf.memory();
  const clone = tf.clone(original);
  expect(tf.memory().numDataBuffers).toBe(numDataBuffers);
  original.dispose();
  expect(Array.from(clone.dataSync())).toEqual([1, 2, 3]);
  clone.dispose();
  expect(tf.memory().numDataBuffers).toBe(numDataBuffers - 1);
});

test('floats are taken as they are and bytes as 0..1', async () => {
  const graph = small();
  const step = compile(engine, graph);
  const batch = fixedBatch(graph, 2);
  const floats = { ...batch, images: Float32Array.from(batch.images, (byte) => byte / 255) };
  expect((await step.predict(floats)).output).toEqual((await step.predict(batch)).output);
  step.dispose();
});

describe('what does not fit is refused', () => {
  test('a batch of another size', async () => {
    const graph = small();
    const step = compile(engine, graph);
    const batch = { ...fixedBatch(graph, 2), shape: [2, 6, 5, 3] as const };
    expect(() => step.run(batch, 0.1)).toThrow('The model reads images of 6 x 6 x 3, found a batch of 2 x 6 x 5 x 3');
    step.dispose();
  });

  test('a single value per channel', () => {
    const builder = new GraphBuilder([1, 1]);
    const x = builder.batchNorm('bn', builder.conv2d('conv', builder.input, { filters: 3, kernel: 1 }));
    const graph = builder.build(builder.globalAvgPool(x));
    const step = compile(engine, graph);
    expect(() => step.run(fixedBatch(graph, 1), 0.1)).toThrow('Batch norm "bn" sees a single value per channel');
    step.dispose();
  });

  test('weights of another model', () => {
    const graph = small();
    const parameters = initializeParameters(graph, 1);
    parameters.set('fc.bias', new Float32Array(7));
    expect(() => engine.predictor(graph, parameters)).toThrow(
      'Parameter "fc.bias" has 7 values where the model has 3.',
    );
    parameters.delete('fc.bias');
    expect(() => engine.compile(graph, parameters, PLAIN)).toThrow('Parameter "fc.bias" is missing.');
  });

  test('freezing what is not there', () => {
    expect(() => compile(engine, small(), { frozen: new Set(['fc.wieght']) })).toThrow('no parameter "fc.wieght"');
  });
});
