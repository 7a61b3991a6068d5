// The engine on the browser's devices: the choice, a whole training step on WebGPU against WASM.

import { describe, expect, test } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { buildModel } from '$lib/models/build';
import { compile, differences, fixedBatch } from '../../contract/training';

const tiny = (size: number) => buildModel('tiny-cnn', { config: { width: 0.25, dropout: 0.2 }, imageSize: [size, size], classes: 3 }); // prettier-ignore

describe('the choice of a device', () => {
  test('auto leaves a software adapter for WASM with threads, and says why', async () => {
    const { device } = await createBrowserEngine('auto');
    expect(device).toMatchObject({ engine: 'tfjs', backend: 'wasm', simd: true, precision: 'float32' });
    expect(device.threads).toBe(Math.min(navigator.hardwareConcurrency, 8));
    expect(device.reason).toMatch(/^WebGPU is only software here \(SwiftShader/);
    expect(device.alternatives.map(({ backend, available }) => [backend, available])).toEqual([
      ['webgpu', true],
      ['cpu', true],
    ]);
  });

  test('a software adapter can be forced', async () => {
    const { device } = await createBrowserEngine('webgpu');
    expect(device).toMatchObject({ backend: 'webgpu', reason: 'Asked for.', adapter: 'SwiftShader (software)' });
  });
});

test('WASM with threads can be renewed, and goes on with the same bits', async () => {
  const engine = await createBrowserEngine('wasm');
  expect(engine.device.threads).toBeGreaterThan(1);
  const graph = await tiny(16);
  const step = compile(engine, graph);
  step.run(fixedBatch(graph, 8, 0), 0.01).loss.dispose();
  const saved = await step.state();
  step.run(fixedBatch(graph, 8, 1), 0.01).loss.dispose();
  const expected = await step.state();
  const renewed = await engine.renew();
  expect(renewed.device).toEqual(engine.device);
  const again = compile(renewed, graph);
  again.restore(saved);
  again.run(fixedBatch(graph, 8, 1), 0.01).loss.dispose();
  expect(differences(await again.state(), expected)).toEqual([]);
  again.dispose();
});

describe('on WebGPU', () => {
  test('training steps give what WASM gives', async () => {
    const graph = await tiny(16);
    const steps = 3;
    const results = [];
    for (const backend of ['wasm', 'webgpu'] as const) {
      const engine = await createBrowserEngine(backend);
      const step = compile(engine, graph, { optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 }, clipNorm: 1 }); // prettier-ignore
      const losses: number[] = [];
      for (let index = 0; index < steps; index++)
        losses.push(await step.run(fixedBatch(graph, 8, index), 0.05).loss.read());
      results.push({ losses, state: await step.state() });
      step.dispose();
      expect(engine.memory().tensors).toBe(0);
    }
    const [wasm, webgpu] = results;
    for (const [index, loss] of wasm.losses.entries()) {
      // Fourteen norms over small batches: float32's rounding reaches 1e-3 after three steps.
      expect(Math.abs(webgpu.losses[index] - loss)).toBeLessThan(2e-3);
    }
    expect([...webgpu.state.parameters.keys()].sort()).toEqual([...wasm.state.parameters.keys()].sort());
    for (const name of ['stem.bn.running_var', 'classifier.weight', 'stem.conv.weight']) {
      const [a, b] = [wasm.state.parameters.get(name) ?? [], webgpu.state.parameters.get(name) ?? []];
      expect(Math.max(...a.map((value, at) => Math.abs(value - b[at]))), name).toBeLessThan(2e-3);
    }
  });

  test('a run goes on with the same bits from a saved state', async () => {
    const engine = await createBrowserEngine('webgpu');
    const graph = await tiny(8);
    const whole = compile(engine, graph);
    for (let index = 0; index < 2; index++) whole.run(fixedBatch(graph, 4, index), 0.01).loss.dispose();
    const saved = await whole.state();
    const resumed = compile(engine, graph);
    resumed.restore(saved);
    for (const step of [whole, resumed]) step.run(fixedBatch(graph, 4, 2), 0.01).loss.dispose();
    expect(differences(await whole.state(), await resumed.state())).toEqual([]);
    for (const step of [whole, resumed]) step.dispose();
  });

  test('the number of tensors stays', async () => {
    const engine = await createBrowserEngine('webgpu');
    const graph = await tiny(8);
    const step = compile(engine, graph);
    const batch = fixedBatch(graph, 4);
    step.run(batch, 0.01).loss.dispose();
    const { tensors } = engine.memory();
    for (let index = 0; index < 10; index++) step.run(batch, 0.01).loss.dispose();
    expect(engine.memory().tensors).toBe(tensors);
    expect(engine.memory().bytes).toBeGreaterThan(0);
    step.dispose();
  });
});
