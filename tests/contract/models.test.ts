// What every registered model must do: build, learn, keep its memory, and go on with the same bits after a restart.

import { beforeAll, describe, expect, test } from 'vitest';
import { defaultsOf, validate } from '$lib/core/validate';
import type { Engine } from '$lib/engines/contract';
import { countParameters } from '$lib/graph/cost';
import type { Graph } from '$lib/graph/types';
import { buildModel } from '$lib/models/build';
import { BROKEN_MODELS, MODELS } from '$lib/models/registry';
import { smallestOfFamilies } from './families';
import { nodeEngine } from './node-engine';
import { compile, differences, fixedBatch, train } from './training';

test('no model is broken', () => {
  expect(BROKEN_MODELS).toEqual([]);
  expect(MODELS.map(({ meta }) => meta.id)).toEqual(
    expect.arrayContaining(['tiny-cnn', 'resnet18', 'mobilenetv2_100']),
  );
});

/** Pixels: what a net that divides by 32 makes 2 x 2 of. */
const LEARNING_SIZE = 64;

/** These have the long tests too. */
const whole = smallestOfFamilies(MODELS.map(({ meta }) => meta));

describe.each(MODELS.map((entry) => [entry.meta.id, entry] as const))('%s', (id, { meta, config }) => {
  const smallest = meta.sizeMultiple * Math.ceil(meta.minimumSize / meta.sizeMultiple);
  const build = (size: number, classes: number, settings = {}): Promise<Graph> =>
    buildModel(id, { config: settings, imageSize: [size, size], classes });

  test('has the parameters that it announces', async () => {
    const graph = await build(meta.recommended.imageSize, 10);
    expect(countParameters(graph).trainable).toBe(meta.parameters);
  });

  test('builds at every size it allows, for any number of classes, and gives as many outputs', async () => {
    const sizes = [smallest, smallest + meta.sizeMultiple, meta.recommended.imageSize];
    for (const size of sizes) {
      for (const classes of [1, 2, 37]) {
        const graph = await build(size, classes);
        expect(graph.nodes.find((node) => node.id === graph.output)?.shape).toEqual([classes]);
        expect(graph.nodes[0].shape).toEqual([size, size, 3]);
      }
    }
    const oblong = await buildModel(id, {
      config: {},
      imageSize: [smallest + meta.sizeMultiple, smallest],
      classes: 2,
    });
    expect(oblong.nodes[0].shape).toEqual([smallest + meta.sizeMultiple, smallest, 3]);
  });

  test('is plain data: a copy through JSON is the same graph', async () => {
    const graph = await build(smallest, 3);
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
    expect(await build(smallest, 3)).toEqual(graph);
  });

  test('has presets that fit its own settings, and each builds', async () => {
    expect(config.presets.map((preset) => preset.id)).toEqual(['easy', 'medium', 'advanced']);
    for (const preset of config.presets) {
      expect(validate(config.fields, preset.values).problems).toEqual([]);
      await build(smallest, 2, preset.values);
    }
  });

  describe('on wasm', () => {
    let engine: Engine;
    let graph: Graph;
    beforeAll(async () => {
      engine = await nodeEngine('wasm');
      // At the smallest size the last norms see one value of each image, and no step is short enough.
      const size = meta.sizeMultiple * Math.ceil(Math.max(smallest, LEARNING_SIZE) / meta.sizeMultiple);
      // Dropout off: a step must lower the loss that it was taken on.
      const off = Object.keys(config.fields).filter((name) => /^drop/.test(name));
      graph = await build(size, 4, {
        ...defaultsOf(config.fields),
        ...Object.fromEntries(off.map((name) => [name, 0])),
      });
    });

    test('learns: steps on a fixed batch lower its loss', async () => {
      const step = compile(engine, graph, { optimizer: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } });
      const batch = fixedBatch(graph, 8);
      const losses: number[] = [];
      // A small rate: a step along the gradient lowers the loss when it is short enough.
      for (let index = 0; index < 3; index++) losses.push(await step.run(batch, 1e-5).loss.read());
      expect(losses[1]).toBeLessThan(losses[0]);
      expect(losses[2]).toBeLessThan(losses[1]);
      step.dispose();
    });

    // The smallest model stands for the long run; the engine is the same for all.
    const steps = meta.parameters < 1e6 ? 200 : 5;
    test.runIf(whole.has(id))(
      `holds as many tensors after ${steps} steps as after one, and none when disposed`,
      async () => {
        const before = engine.memory().tensors;
        const step = compile(engine, graph);
        const batch = fixedBatch(graph, 2);
        step.run(batch, 1e-3).loss.dispose();
        await step.predict(batch);
        step.run(batch, 1e-3).loss.dispose();
        const held = engine.memory().tensors;
        for (let index = 0; index < steps; index++) step.run(batch, 1e-3).loss.dispose();
        expect(engine.memory().tensors).toBe(held);
        step.dispose();
        const predictor = engine.predictor(graph, (await reopened(engine, graph)).parameters);
        await predictor.predict(batch, { features: true });
        predictor.dispose();
        expect(engine.memory().tensors).toBe(before);
      },
    );

    test.runIf(whole.has(id))('goes on with the same bits from a state that was saved', async () => {
      const withDropout = await build(smallest, 4, config.presets[2].values);
      const whole = compile(engine, withDropout);
      const lossesOfWhole = await train(whole, withDropout, 0, 4);

      const first = compile(engine, withDropout);
      await train(first, withDropout, 0, 2);
      const saved = await first.state();
      first.dispose();
      const second = compile(engine, withDropout);
      second.restore(saved);
      expect(differences(await second.state(), saved)).toEqual([]);
      expect(await train(second, withDropout, 2, 4)).toEqual(lossesOfWhole.slice(2));
      expect(differences(await second.state(), await whole.state())).toEqual([]);
      whole.dispose();
      second.dispose();
    });
  });
});

/** The state of a fresh step. */
async function reopened(engine: Engine, graph: Graph) {
  const step = compile(engine, graph);
  const state = await step.state();
  step.dispose();
  return state;
}
