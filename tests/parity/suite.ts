// The tests of one backend, to be declared for some of the files: vitest gives each test file to one of its workers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackendName, Engine } from '$lib/engines/contract';
import { compareEvaluation, compareTraining, isWithin } from '$lib/evaluation/parity/compare';
import type { Deviation } from '$lib/evaluation/parity/compare';
import { sentence } from '$lib/evaluation/parity/report';
import { nodeEngine } from '../contract/node-engine';
import type { ParityFile } from './files';

export function expectWithin(deviations: readonly Deviation[]): void {
  expect(deviations.length).toBeGreaterThan(0);
  expect(deviations.filter((one) => !isWithin(one)).map((one) => sentence(one))).toEqual([]);
}

/** A step of the largest takes the cpu backend seconds on a quiet machine. */
const TIMEOUT_MS = 600_000;

export function declareParityTests(backend: BackendName, files: readonly ParityFile[]): void {
  describe.each(files)(`$file on ${backend}`, ({ parity }) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await nodeEngine(backend);
    });

    test('gives the same logits', async () => {
      expectWithin(await compareEvaluation(parity, parity.eval, engine));
    });

    const large = parity.eval_large;
    test.skipIf(large === undefined)('gives the same logits for large images', async () => {
      if (large !== undefined) expectWithin(await compareEvaluation(parity, large, engine));
    });

    test('has the same first gradient of every tensor, and losses with SGD', { timeout: TIMEOUT_MS }, async () => {
      const { losses, gradients } = await compareTraining(parity, 'sgd', engine);
      expect(losses).toHaveLength(3);
      expectWithin(losses);
      expectWithin(gradients);
    });

    test('has the same losses with AdamW', { timeout: TIMEOUT_MS }, async () => {
      const { losses } = await compareTraining(parity, 'adamw', engine);
      expect(losses).toHaveLength(3);
      expectWithin(losses);
    });

    afterAll(() => expect(engine.memory().tensors).toBe(0));
  });
}
