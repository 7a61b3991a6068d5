// ONNX files as weights and as networks: what is imported must compute what ONNX Runtime computes from the same file.
import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { writeOnnx } from '$lib/interchange/onnx/write';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import resnet18 from '$models/resnet18/build';
import { nodeEngine } from '../support/engine';
import { graphCases } from '../support/graphs';
import { randomImages, relativeDifference, trainedModel } from '../support/models';
import { importedOutput, probed, runtimeOutput } from '../support/onnx';

/** Of the largest value. Two ways to add up float32 differ by 1e-7 to 5e-6. */
const TOLERANCE = 1e-5;

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

test('our own ResNet-18 comes back as the graph that it was', async () => {
  const model = trainedModel(resnet18({ config: {}, imageSize: [64, 96], classes: 5 }));
  const blob = writeOnnx(model, { normalization: true });
  const shape: ImageShape = [2, 64, 96, 3];
  const images = randomImages(shape);
  const { output } = await importedOutput(engine, blob, images, shape);
  expect(relativeDifference(await runtimeOutput(blob, images, shape), output)).toBeLessThan(TOLERANCE);
  const file = await openOnnx(blob, 'model.onnx');
  expect(file.classes).toEqual(model.classes);
  expect(file.preprocess).toMatchObject({ mean: model.preprocess.mean, std: model.preprocess.std });
});

test.each(graphCases)('$op: $title is imported as it was exported', async ({ graph }) => {
  const blob = writeOnnx(trainedModel(probed(graph)), { normalization: true });
  const shape: ImageShape = [2, graph.nodes[0].shape[0], graph.nodes[0].shape[1], 3];
  const images = randomImages(shape);
  const { output } = await importedOutput(engine, blob, images, shape);
  expect(relativeDifference(await runtimeOutput(blob, images, shape), output)).toBeLessThan(TOLERANCE);
});
