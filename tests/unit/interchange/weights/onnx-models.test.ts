// Our own exports of every registered model, opened again: the same outputs, the same names, and a network that learns.
// Models of more than 6 million parameters take minutes together: ONNX_ALL_MODELS=1 checks them, too.
import { beforeAll, describe, expect, test } from 'vitest';
import { stream } from '$lib/core/random';
import type { Batch, Engine } from '$lib/engines/contract';
import { replaceHead } from '$lib/graph/heads';
import { initializeParameters } from '$lib/graph/initialize';
import { elements } from '$lib/graph/ops/operation';
import type { Graph } from '$lib/graph/types';
import { exportGraph } from '$lib/interchange/export-graph';
import { writeOnnx } from '$lib/interchange/onnx/write';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import { buildModel } from '$lib/models/build';
import { MODELS } from '$lib/models/registry';
import { crossEntropy } from '$lib/tasks/classification/loss';
import { nodeEngine } from '../support/engine';
import { randomImages, relativeDifference, trainedModel } from '../support/models';
import { imported, importedOutput, runtimeOutput } from '../support/onnx';

/** Of the largest value; float32 sums through up to 100 layers. */
const TOLERANCE = 1e-5;
const LARGE = 6e6;

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

/** The smallest sizes that the model takes, one side longer than the other where it can be. */
function imageSize({ minimumSize, sizeMultiple }: (typeof MODELS)[number]['meta']): [number, number] {
  const size = Math.ceil(Math.max(minimumSize, 32) / sizeMultiple) * sizeMultiple;
  return [size, size + sizeMultiple];
}

test.for(MODELS.map(({ meta }) => meta))('$id', async (meta, { skip }) => {
  skip(meta.parameters > LARGE && process.env.ONNX_ALL_MODELS === undefined, 'large; ONNX_ALL_MODELS=1 runs it');
  const size = imageSize(meta);
  const graph = await buildModel(meta.id, { config: {}, imageSize: size, classes: 5 });
  const shape: ImageShape = [2, ...size, 3];
  const model = trainedModel(graph);
  const blob = writeOnnx(model, { normalization: true });
  const images = randomImages(shape);
  const { output } = await importedOutput(engine, blob, images, shape);
  expect(relativeDifference(await runtimeOutput(blob, images, shape), output)).toBeLessThan(TOLERANCE);
  const { graph: again } = await imported(blob);
  const names = (of: Graph): string[] => of.parameters.map(({ name }) => name).sort();
  expect(names(again)).toEqual(names(exportGraph(model, { normalization: true }).graph));
  // The same embedding as the model itself names.
  const features = (of: Graph): number => elements(of.nodes.find(({ id }) => id === of.features)?.shape ?? []);
  expect(features(again)).toBe(features(graph));
});

describe('training what was imported', () => {
  /** Two kinds of images, told apart by their brightness. */
  function batchFor([height, width]: readonly number[]): Batch {
    const random = stream(3, 'batch');
    const count = 8;
    const images = Float32Array.from({ length: count * height * width * 3 }, (_, at) => {
      const bright = Math.floor(at / (height * width * 3)) % 2;
      return (0.3 + 0.4 * bright + 0.2 * random() - 0.5) / 0.25;
    });
    return {
      images,
      shape: [count, height, width, 3],
      targets: {
        values: Float32Array.from({ length: 2 * count }, (_, at) => Number(at % 4 === 0 || at % 4 === 3)),
        shape: [count, 2],
      },
    };
  }

  test.each(['tiny-cnn', 'mobilenetv3_small_100'])('three steps lower the loss of %s with a new head', async (id) => {
    const graph = await buildModel(id, { config: {}, imageSize: [32, 32], classes: 5 });
    const blob = writeOnnx(trainedModel(graph), { normalization: true });
    const result = await (await openOnnx(blob, 'model.onnx')).architecture();
    if (result.kind !== 'graph') throw new Error(JSON.stringify(result));
    const network = replaceHead(result.architecture.graph, { kind: 'linear' }, 2, { keepOwn: false });
    const parameters = new Map([...initializeParameters(network, 1), ...kept(network, result.architecture.parameters)]);
    const step = engine.compile(network, parameters, {
      optimizer: { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 },
      loss: crossEntropy(),
      decayAll: false,
      clipNorm: 0,
      seed: 1,
    });
    const losses: number[] = [];
    for (let count = 0; count < 4; count++) losses.push(await step.run(batchFor([32, 32]), 1e-4).loss.read());
    step.dispose();
    // The fourth loss is the one after three steps.
    expect(losses[3]).toBeLessThan(losses[0]);
  });

  function kept(network: Graph, values: ReadonlyMap<string, Float32Array>): [string, Float32Array][] {
    return network.parameters.flatMap(({ name, shape }) => {
      const found = values.get(name);
      return found?.length === elements(shape) ? [[name, found]] : [];
    });
  }
});
