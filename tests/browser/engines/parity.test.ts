// WebGPU against PyTorch: logits at both sizes, the first gradient of every tensor, three steps of SGD and AdamW. Software adapters
// take seconds for a step, so a mobile net, a modern convolutional one and a transformer stand for the rest.

import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { compareEvaluation, compareTraining, isWithin } from '$lib/evaluation/parity/compare';
import type { Deviation } from '$lib/evaluation/parity/compare';
import { parseFixture } from '$lib/evaluation/parity/fixture';
import { sentence } from '$lib/evaluation/parity/report';
import convnext from '../../fixtures/parity/convnext_atto.json?raw';
import mobilenet from '../../fixtures/parity/mobilenetv3_small_100.json?raw';
import transformer from '../../fixtures/parity/vit_tiny_64.json?raw';

const FILES = [
  ['mobilenetv3_small_100', mobilenet],
  ['convnext_atto', convnext],
  ['vit_tiny_64', transformer],
] as const;

function expectWithin(deviations: readonly Deviation[]): void {
  expect(deviations.length).toBeGreaterThan(0);
  expect(deviations.filter((one) => !isWithin(one)).map((one) => sentence(one))).toEqual([]);
}

describe.each(FILES)('%s on WebGPU', (name, text) => {
  const fixture = parseFixture(text, name);
  let engine: Engine;
  beforeAll(async () => {
    engine = await createBrowserEngine('webgpu');
  });

  test('gives PyTorch’s logits', async () => {
    expectWithin(await compareEvaluation(fixture, fixture.eval, engine));
  });

  const large = fixture.eval_large;
  // The transformer has one size in each file.
  if (large !== undefined) {
    test('gives PyTorch’s logits for large images', async () => {
      expectWithin(await compareEvaluation(fixture, large, engine));
    });
  }

  test('has PyTorch’s first gradient, and losses with SGD', { timeout: 300_000 }, async () => {
    const { losses, gradients } = await compareTraining(fixture, 'sgd', engine);
    expectWithin(losses);
    expectWithin(gradients);
  });

  test('has PyTorch’s losses with AdamW', { timeout: 300_000 }, async () => {
    const { losses } = await compareTraining(fixture, 'adamw', engine);
    expectWithin(losses);
    expect(engine.memory().tensors).toBe(0);
  });
});
