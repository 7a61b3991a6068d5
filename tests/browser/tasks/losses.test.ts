// Every loss on the backends that people train on: kernels that a backend lacks, or computes otherwise, would show here.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { defaultsOf } from '$lib/core/validate';
import type { LossFunction } from '$lib/engines/contract';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { TASKS } from '$lib/tasks/catalog';
import { besideTeacher, softLabels } from '$lib/tasks/distillation/soft-labels';
import { createContrastiveLoss, createLoss, withDistillation } from '$lib/tasks/losses';

const CLASSES = 3;
const logits = [2, -1, 0.5, 0, 0, 0, -3, 4, 1, 20, -20, 5];
const targets = [0.7, 0.3, 0, 1, 0, 0, 0, 0.5, 0.5, 0, 0, 1];
const train = [0, 0, 1, 2, 2, 2].map((index) => ({ kind: 'class', class: index }) as const);

/** All that a job can name, mixed images included. */
function losses(): [string, LossFunction, number[]][] {
  const named = TASKS.flatMap(({ id, lossFields }) => {
    const { name, class_weights: weighing } = lossFields;
    if (name.type !== 'choice' || weighing.type !== 'choice') throw new Error('These are choices.');
    return name.options.flatMap((loss) =>
      weighing.options.map(({ value }): [string, LossFunction, number[]] => {
        const settings = { ...defaultsOf(lossFields), name: loss.value, class_weights: value, class_weight_values: [1, 2, 3] }; // prettier-ignore
        const made = createLoss(id, settings, { classes: CLASSES, train, probabilities: true });
        return [`${id} ${loss.value} ${value}`, made, targets];
      }),
    );
  });
  const distilled = (['softmax', 'sigmoid'] as const).map((activation): [string, LossFunction, number[]] => {
    const teacher = softLabels(Float32Array.from(logits.toReversed()), CLASSES, { temperature: 4, activation });
    const [, plain] = named[0];
    const loss = withDistillation(plain, { temperature: 4, weight: 0.5, outputs: CLASSES, activation });
    return [`distilled ${activation}`, loss, [...besideTeacher(Float32Array.from(targets), teacher, CLASSES)]];
  });
  return [...named, ...distilled, ['contrastive', createContrastiveLoss(TASKS[0].id, { temperature: 0.1 }), targets]];
}

async function results(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const [name, loss, wanted] of losses()) {
    const { value, grad } = tf.tidy(() =>
      tf.valueAndGrad((x) => tf.sum<tf.Scalar>(loss(x, tf.tensor(wanted, [4, wanted.length / 4]))))(
        tf.tensor(logits, [4, CLASSES]),
      ),
    );
    found.set(name, [...(await value.data()), ...(await grad.data())]);
    tf.dispose([value, grad]);
  }
  return found;
}

describe.each(['wasm', 'webgpu'] as const)('on %s', (backend) => {
  test('value and gradient of each are those of the cpu', async () => {
    await createBrowserEngine('cpu');
    const expected = await results();
    await createBrowserEngine(backend);
    expect(tf.getBackend()).toBe(backend);
    const before = tf.memory().numTensors;
    const found = await results();
    expect(tf.memory().numTensors).toBe(before);
    for (const [name, values] of expected) {
      const scale = Math.max(...values.map(Math.abs));
      const apart = (found.get(name) ?? []).map((value, index) => Math.abs(value - values[index]) / scale);
      // float32 on both sides; WGSL allows its exp and pow a few units in the last place more.
      expect(Math.max(...apart), `${name}: ${(found.get(name) ?? []).join()}`).toBeLessThan(1e-5);
    }
  });
});
