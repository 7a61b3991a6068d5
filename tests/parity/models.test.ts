// Every registered model that PyTorch's libraries define, against what they compute. WASM does all of it; the cpu backend,
// tens of times slower, what fits into seconds.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { nodeEngine } from '../contract/node-engine';
import { buildFor, checkEvaluation, checkNames, checkTraining } from './checks';
import { parityFiles } from './files';

const files = parityFiles();

test('there are files for the models that claim parity', () => {
  expect(files.map(({ model }) => model)).toEqual(expect.arrayContaining(['resnet18', 'mobilenetv2_100']));
});

describe.each(files)('$file', ({ parity, model }) => {
  test('has the same tensors in the same order, and as many parameters', async () => {
    const graph = await buildFor(parity, model, parity.eval.input[1]);
    checkNames(parity, graph);
    const trainable = graph.parameters.filter((parameter) => parameter.trainable);
    const count = trainable.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(parity.parameters);
  });

  describe('on wasm', () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await nodeEngine('wasm');
    });

    test('gives the same logits', () => checkEvaluation(parity, model, 'eval', engine));
    test('gives the same logits for large images', () => checkEvaluation(parity, model, 'eval_large', engine));
    test('has the same first gradient and losses with SGD', () => checkTraining(parity, model, 'sgd', engine));
    test('has the same losses with AdamW', () => checkTraining(parity, model, 'adamw', engine));
    afterAll(() => expect(engine.memory().tensors).toBe(0));
  });

  test('gives the same logits on cpu', async () => {
    await checkEvaluation(parity, model, 'eval', await nodeEngine('cpu'));
  });

  test('has the same first gradient on cpu', async (context) => {
    context.skip(parity.parameters >= 5e6, 'a step of a net of this size takes the cpu backend a minute');
    await checkTraining(parity, model, 'sgd', await nodeEngine('cpu'), { steps: 1, exact: true });
  }, 300_000);
});
