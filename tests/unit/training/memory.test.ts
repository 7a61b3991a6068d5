// The estimate of a step's memory against what steps took, and the parts in which a batch fits.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import '@tensorflow/tfjs';
import { createEngine } from '$lib/engines/tfjs/device';
import { splitAtFeatures } from '$lib/graph/heads';
import { initializeParameters } from '$lib/graph/initialize';
import { withNormalization } from '$lib/graph/passes';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { createLoss } from '$lib/tasks/losses';
import { NOTHING_FROZEN } from '$lib/training/freezing';
import { buffersOf, bytesFor, partsThatFit, stepMemory } from '$lib/training/memory';
import { optimizerOf } from '$lib/training/optimizer';
import { adaptation, preflight } from '$lib/training/preflight';
import { makeJob } from './support';

const CLASSES = 10;

async function graphOf(name: string, size: number): Promise<Graph> {
  const built = await buildModel(name, { config: {}, imageSize: [size, size], classes: CLASSES });
  return withNormalization(built, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
}

describe('the estimate of a training step', () => {
  // Peaks of what two AdamW steps allocated on wasm, megabytes, with the host's copies of the parameters. The tolerance is the
  // largest error of these models; it is meant to catch a formula that goes wrong, not a kernel that takes some scratch more.
  it.each([
    ['tiny-cnn', 64, 16, 141.8],
    ['tiny-cnn', 64, 64, 558.4],
    ['mobilenetv2_050', 96, 4, 59.4],
    ['mobilenetv2_050', 96, 16, 194.2],
    ['resnet18', 64, 4, 241.9],
    ['resnet18', 64, 16, 296.1],
  ])('of %s at %i px with %i images is within 6 %% of what was measured', async (name, size, batch, measured) => {
    const memory = stepMemory(await graphOf(name, size), makeJob());
    expect(Math.abs(bytesFor(memory, batch, 1) / 1e6 / measured - 1)).toBeLessThan(0.06);
  });

  it('is what the heap grows by on this device', async () => {
    const wasm = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm');
    const engine = await createEngine('wasm', { wasmPaths: `${dirname(wasm)}/` });
    const graph = await graphOf('tiny-cnn', 64);
    const job = makeJob();
    const loss = createLoss('classification', job.loss, { classes: CLASSES, train: [] });
    const step = engine.compile(graph, initializeParameters(graph, 1), optimizerOf(job, loss, NOTHING_FROZEN.at(0)));
    const values = Float32Array.from({ length: 32 * CLASSES }, (_, at) => (at % CLASSES === 0 ? 1 : 0));
    const images = new Uint8Array(32 * 64 * 64 * 3).fill(100);
    await step.run({ images, shape: [32, 64, 64, 3], targets: { values, shape: [32, CLASSES] } }, 1e-3).loss.read();
    const { bytes } = engine.memory();
    step.dispose();
    const estimate = bytesFor(stepMemory(graph, job), 32, 1);
    // A heap grows a fifth more than it must, and begins with 17 MB.
    expect(bytes).toBeGreaterThan(0.9 * estimate);
    expect(bytes).toBeLessThan(1.3 * estimate + 17e6);
  });

  it('has the buffers of each rule, averages and gathered gradients', async () => {
    const graph = await graphOf('tiny-cnn', 32);
    const of = (document: object): number => stepMemory(graph, makeJob(document)).fixed;
    const { gathered } = stepMemory(graph, makeJob());
    const plain = of({ optimizer: { name: 'sgd', momentum: 0, nesterov: false } });
    expect(of({ optimizer: { name: 'sgd', momentum: 0.9, nesterov: false } }) - plain).toBe(gathered);
    expect(of({ optimizer: { name: 'adam', amsgrad: true } }) - plain).toBe(3 * gathered);
    expect(of({ optimizer: { name: 'rmsprop', momentum: 0.9 } }) - plain).toBe(2 * gathered);
    expect(of({ optimizer: { name: 'sgd', momentum: 0, nesterov: false }, ema: { decay: 0.99 } }) - plain).toBe(
      gathered,
    );
    expect(buffersOf(makeJob({ optimizer: { name: 'adamw' } }).optimizer)).toBe(2);
  });

  it('keeps nothing for what is frozen', async () => {
    const graph = await graphOf('resnet18', 64);
    const backbone = splitAtFeatures(graph).backbone.parameters.map(({ name }) => name);
    const [whole, head] = [stepMemory(graph, makeJob()), stepMemory(graph, makeJob(), new Set(backbone))];
    expect(head.gathered).toBe(4 * (512 * CLASSES + CLASSES));
    expect(head.perImage).toBeLessThan(whole.perImage / 2);
    expect(head.fixed).toBeLessThan(whole.fixed / 3);
  });
});

describe('the parts of a batch', () => {
  const memory = { fixed: 100, perImage: 10, gathered: 20 };

  it('are one where it fits, and never fewer than the job asks for', () => {
    expect(partsThatFit(memory, { batchSize: 16, parts: 1, granted: 260 })).toBe(1);
    expect(partsThatFit(memory, { batchSize: 16, parts: 4, granted: 260 })).toBe(4);
  });

  it('are one where the device grants what was asked of it, which are whole bytes', () => {
    const part = { ...memory, perImage: 10.3 };
    const asked = bytesFor(part, 16, 1);
    expect(Number.isInteger(asked)).toBe(true);
    // As a probe answers that counts in whole bytes.
    expect(partsThatFit(part, { batchSize: 16, parts: 1, granted: Math.floor(asked) })).toBe(1);
  });

  it('are as few as fit, gathered gradients included', () => {
    for (let granted = 130; granted < 260; granted += 7) {
      const parts = partsThatFit(memory, { batchSize: 16, parts: 1, granted });
      expect(parts).not.toBeNull();
      expect(bytesFor(memory, 16, parts ?? 0)).toBeLessThanOrEqual(granted);
      if (parts !== null && parts > 2) expect(bytesFor(memory, 16, parts - 1)).toBeGreaterThan(granted);
    }
  });

  it('are none where not even one image fits', () => {
    expect(partsThatFit(memory, { batchSize: 16, parts: 1, granted: 129 })).toBeNull();
  });

  it('are found by asking the device, and told in numbers', async () => {
    const asked: number[] = [];
    const probe = (wanted: number): Promise<number> => {
      asked.push(wanted);
      return Promise.resolve(185);
    };
    const found = await preflight(memory, { probe }, { batchSize: 16, parts: 1 });
    expect(asked).toEqual([260]);
    expect(found).toMatchObject({ needed: 260, granted: 185, accumulate: 3 });
    expect(adaptation(found, 16, 3)).toContain('in 3 parts of 6 images');
  });
});
