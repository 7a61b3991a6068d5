// What a processor does when its memory is full: the error, the state after it, the look into what is left.

import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HostWatch } from '$lib/engines/tfjs/device-watch';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { RESERVE, wasmBackend } from '$lib/engines/tfjs/wasm/heap';
import { nativeFor } from '$lib/engines/tfjs/wasm/native';
import { GraphBuilder } from '$lib/graph/builder';
import { nodeEngine } from '../../contract/node-engine';
import { compile, differences, fixedBatch } from '../../contract/training';
import { small } from './step-support';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Takes all of the heap's 4 GiB that can be had. Nothing is written there, so that the system gives no memory for it. */
function fillHeap(): () => void {
  const { wasm } = wasmBackend(tf.backend());
  const { free } = nativeFor(wasmBackend(tf.backend()));
  // As tfjs itself takes it.
  const { _malloc: malloc }: { _malloc: (bytes: number) => number } = wasm;
  const taken: number[] = [];
  for (let bytes = 2 ** 30; bytes >= 16;) {
    try {
      taken.push(malloc(bytes) >>> 0);
    } catch {
      bytes /= 2;
    }
  }
  return () => taken.splice(0).forEach(free);
}

/** tfjs's own lists find room beside a heap full of tensors: without it its code aborts. */
function reserveLeft(): boolean {
  if (tf.getBackend() !== 'wasm') return true;
  const { malloc, free } = nativeFor(wasmBackend(tf.backend()));
  const address = malloc(RESERVE);
  free(address);
  return address !== 0;
}

/** An error in the middle leaves a step that goes on as if nothing had been. */
async function expectRecovery(engine: TfjsEngine, exhaust: () => () => void): Promise<void> {
  const graph = small(0.2);
  const changes = { ema: { decay: 0.9, warmup: true }, clipNorm: 1 };
  const [step, other] = [compile(engine, graph, changes), compile(engine, graph, changes)];
  const large = fixedBatch(graph, 300);
  for (const one of [step, other]) one.run(fixedBatch(graph, 4), 0.01).loss.dispose();
  const tensors = tf.memory().numTensors;
  const relieve = exhaust();
  expect(reserveLeft()).toBe(true);
  try {
    expect(() => step.run(large, 0.01)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    await expect(step.predict(large)).rejects.toMatchObject({ code: 'out-of-memory' });
  } finally {
    relieve();
  }
  expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors);
  expect(differences(await step.state(), await other.state())).toEqual([]);
  for (const one of [step, other]) one.run(fixedBatch(graph, 4, 1), 0.01).loss.dispose();
  expect(differences(await step.state(), await other.state())).toEqual([]);
  for (const one of [step, other]) one.dispose();
}

describe('wasm', () => {
  test('a full heap is an error that changes nothing', async () => {
    await expectRecovery(await nodeEngine('wasm'), fillHeap);
  });

  test('an abort is taken for a full heap when the heap is full', () => {
    const abort = (): never => {
      throw new WebAssembly.RuntimeError('Aborted()');
    };
    expect(() => new HostWatch(() => true).enqueue(abort)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    expect(() => new HostWatch(() => false).enqueue(abort)).toThrow(new WebAssembly.RuntimeError('Aborted()'));
  });

  test('a renewed engine has an empty heap and goes on with the same bits', async () => {
    const engine = await nodeEngine('wasm');
    const graph = small(0.2);
    const step = compile(engine, graph);
    step.run(fixedBatch(graph, 4), 0.01).loss.dispose();
    const saved = await step.state();
    const predictor = engine.predictor(graph, saved.parameters);
    step.run(fixedBatch(graph, 4, 1), 0.01).loss.dispose();
    const expected = await step.state();
    fillHeap()();
    expect(engine.memory().bytes).toBeGreaterThan(3e9);

    const renewed = await engine.renew();
    expect(renewed.device).toEqual(engine.device);
    expect(renewed.memory().bytes).toBeLessThan(1e9);
    expect(renewed.memory().tensors).toBe(0);
    const again = compile(renewed, graph);
    again.restore(saved);
    again.run(fixedBatch(graph, 4, 1), 0.01).loss.dispose();
    expect(differences(await again.state(), expected)).toEqual([]);
    // What belonged to the old one may be put away once more.
    for (const gone of [again, step, predictor]) gone.dispose();
  });

  test('a probe is granted what the heap has and what it can still become', async () => {
    const engine = await nodeEngine('wasm');
    expect(await engine.probe(1e6)).toBe(1e6);
    const before = engine.memory().bytes;
    const most = await engine.probe(1e12);
    expect(most).toBeGreaterThan(1e9);
    expect(most).toBeLessThan(2 ** 32);
    expect(engine.memory().bytes).toBe(before);
    const held = tf.zeros([25_000_000]);
    expect(most - (await engine.probe(1e12))).toBe(1e8);
    held.dispose();
    // A system that refuses more than a hundred megabytes at once.
    const { Memory } = WebAssembly;
    const refusing = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.initial * 65_536 > 1e8) throw new RangeError('could not allocate memory');
        super(descriptor);
      }
    };
    vi.stubGlobal('WebAssembly', { ...WebAssembly, Memory: refusing });
    const heap = engine.memory().bytes;
    expect(await engine.probe(heap + 4e8)).toBeLessThan(heap + 1e8);
  });
});

describe('cpu', () => {
  test('an array that is refused is an error that changes nothing', async () => {
    const engine = await nodeEngine('cpu');
    await expectRecovery(engine, () => {
      const refusing = new Proxy(Float32Array, {
        construct(target, [first, ...rest]: [unknown, ...unknown[]], newTarget) {
          if (typeof first === 'number' && first > 50_000) throw new RangeError('Array buffer allocation failed');
          return Reflect.construct(target, [first, ...rest], newTarget);
        },
      });
      vi.stubGlobal('Float32Array', refusing);
      return () => vi.unstubAllGlobals();
    });
  });

  test('a renewed engine is one that works', async () => {
    const engine = await nodeEngine('cpu');
    const renewed = await engine.renew();
    expect(renewed.device).toEqual(engine.device);
    const graph = small();
    const step = compile(renewed, graph);
    expect(await step.run(fixedBatch(graph, 4), 0.01).loss.read()).toBeGreaterThan(0);
    step.dispose();
  });

  test('a probe asks for arrays until one is refused', async () => {
    const engine = await nodeEngine('cpu');
    expect(await engine.probe(3e8)).toBe(3e8);
    let given = 0;
    vi.stubGlobal('ArrayBuffer', class extends ArrayBuffer {
      constructor(bytes: number) {
        if (given + bytes > 4e8) throw new RangeError('Array buffer allocation failed');
        given += bytes;
        super(bytes);
      }
    }); // prettier-ignore
    const granted = await engine.probe(1e9);
    expect(granted).toBeGreaterThan(2 ** 28);
    expect(granted).toBeLessThan(4e8);
  });
});

test('a profile tells what the kernels took, by the clock', async () => {
  const engine = await nodeEngine('wasm');
  const graph = small();
  const step = compile(engine, graph);
  step.run(fixedBatch(graph, 64), 0.01).loss.dispose();
  const { source, total, kernels } = await step.profile(fixedBatch(graph, 64), 0.01);
  expect(source).toBe('clock');
  const names = kernels.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['TrainyardConv2d', 'TrainyardBatchNorm']));
  expect(new Set(names).size).toBe(names.length);
  // SiLU has a gradient of its own: tfjs lists it beside the kernels that it is made of.
  const builder = new GraphBuilder([6, 6]);
  const silu = compile(engine, builder.build(builder.linear('fc', builder.globalAvgPool(builder.activation(builder.input, 'silu')), { features: 3 }))); // prettier-ignore
  const listed = (await silu.profile(fixedBatch(graph, 4), 0.01)).kernels.map(({ name }) => name);
  expect(listed).toContain('Sigmoid');
  expect(listed.filter((name) => tf.getKernel(name, 'wasm') === undefined)).toEqual([]);
  silu.dispose();
  const sum = kernels.reduce((all, { milliseconds }) => all + milliseconds, 0);
  expect(sum).toBeGreaterThan(0);
  // Every kernel is within the step, and none is counted twice.
  expect(sum).toBeLessThanOrEqual(total);
  expect(kernels.map(({ milliseconds }) => milliseconds)).toEqual(kernels.map(({ milliseconds }) => milliseconds).toSorted((a, b) => b - a)); // prettier-ignore
  expect(kernels.find(({ name }) => name === 'TrainyardConv2d')).toMatchObject({ calls: 1, bytes: 64 * 36 * 8 * 4 });
  const throwing = compile(engine, graph, { loss: () => { throw new Error('no loss'); } }); // prettier-ignore
  await expect(throwing.profile(fixedBatch(graph, 4), 0.01)).rejects.toThrow('no loss');
  expect(tf.engine().state.profiling).toBe(false);
  for (const one of [step, throwing]) one.dispose();
});
