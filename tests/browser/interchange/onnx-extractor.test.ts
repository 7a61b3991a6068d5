// A feature extractor in Chromium: ONNX Runtime Web from our own origin, without and with a head behind it.
import { expect, test } from 'vitest';
import { createEngine } from '$lib/engines/tfjs/device';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import { openPredictor } from '$lib/interchange/model-predictor';
import { createExtractor } from '$lib/interchange/weights/onnx/extractor';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import { randomImages } from '../../unit/interchange/support/models';
import { node, onnxFile, weights } from '../../unit/interchange/support/onnx-files';

const SHAPE = [3, 16, 20, 3] as const;

/** The mean of elu(x) over each channel are its features: easily computed by hand. */
const file = onnxFile({
  nodes: [
    node('Elu', ['x'], 'elu'),
    node('GlobalAveragePool', ['elu'], 'mean'),
    node('Flatten', ['mean'], 'pooled'),
    node('Gemm', ['pooled', 'fc'], 'output'),
  ],
  initializers: [weights('fc', [3, 4])],
});

function means(images: Float32Array): number[] {
  const [count, height, width, channels] = SHAPE;
  const sums = new Array<number>(count * channels).fill(0);
  images.forEach((image, at) => {
    const value = (image - 0.5) / 0.25;
    const elu = value > 0 ? value : Math.exp(value) - 1;
    sums[Math.floor(at / (height * width * channels)) * channels + (at % channels)] += elu / (height * width);
  });
  return sums;
}

test('features come from ONNX Runtime, and a head reads them', async () => {
  const found = await (await openOnnx(file, 'elu.onnx')).architecture();
  if (found.kind !== 'extractor') throw new Error(JSON.stringify(found));
  const images = randomImages(SHAPE);
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const;
  const extractor = await createExtractor(file, found.extractor);
  const features = await extractor.run({ images, shape: SHAPE }, normalization);
  await extractor.dispose();
  const expected = means(images);
  // A mean of 320 float32 numbers around 1.
  expected.forEach((value, at) => expect(features[at]).toBeCloseTo(value, 5));

  const builder = new GraphBuilder([1, 1], 3);
  const vector = builder.reshape(builder.input, [3]);
  const graph = builder.build(builder.linear('head', vector, { features: 2, bias: false }), { features: vector });
  const parameters = initializeParameters(graph, 1);
  const engine = await createEngine('cpu', { wasmPaths: '', threads: 1 });
  const preprocess = { imageSize: [16, 20], resize: 'stretch', interpolation: 'bilinear', ...normalization } as const;
  const predictor = await openPredictor(engine, {
    graph,
    parameters,
    preprocess,
    extractor: { ...found.extractor, file },
  });
  const { output } = await predictor.predict({
    images,
    shape: SHAPE,
    targets: { values: new Float32Array(), shape: [0] },
  });
  predictor.dispose();
  const weight = parameters.get('head.weight') ?? new Float32Array();
  for (let image = 0; image < SHAPE[0]; image++) {
    for (const c of [0, 1]) {
      const sum = [0, 1, 2].reduce((total, at) => total + expected[image * 3 + at] * weight[at * 2 + c], 0);
      expect(output[image * 2 + c]).toBeCloseTo(sum, 5);
    }
  }
});
