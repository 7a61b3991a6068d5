// Every operation and every model: what ONNX Runtime and the stock TF.js converter make of the exported files equals what the
// reference engine computes, and safetensors give the parameters back bit for bit.
import * as onnxRuntime from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { operations } from '$lib/graph/ops';
import type { Graph, Pair } from '$lib/graph/types';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import type { TrainedModel } from '$lib/interchange/contract';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { readParameters, writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { writeTfjs } from '$lib/interchange/tfjs/write';
import { onnxRunner } from '$lib/interchange/verify/onnx-runtime';
import type { ImageShape, LoadedModel } from '$lib/interchange/verify/runner';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import type { BuildModel, ModelMeta } from '$lib/models/contract';
import { nodeEngine } from '../unit/interchange/support/engine';
import { graphCases } from '../unit/interchange/support/graphs';
import { randomImages, relativeDifference, trainedModel } from '../unit/interchange/support/models';
import { smallestOfFamilies } from './families';

// Float32 sums in another order differ by about 1e-7 of the largest value a layer; the mistakes that this test is for (padding,
// epsilon, axes, coordinates) begin at 1e-5. Deep nets get a few units more.
const TOLERANCE = 1e-5;

let engine: TfjsEngine;

/** What the net sees: the images normalised outside of any graph. */
function normalize(images: Float32Array, { preprocess: { mean, std } }: TrainedModel): Float32Array {
  return images.map((value, at) => (value - mean[at % 3]) / std[at % 3]);
}

async function reference(model: TrainedModel, images: Float32Array, shape: ImageShape): Promise<Float32Array> {
  const predictor = engine.predictor(model.graph, model.parameters);
  const targets = { values: new Float32Array(0), shape: [0] };
  try {
    return (await predictor.predict({ images: normalize(images, model), shape, targets })).output;
  } finally {
    predictor.dispose();
  }
}

function softmax(logits: Float32Array, classes: number): Float32Array {
  const rows = Array.from({ length: logits.length / classes }, (_, row) => {
    const values = Array.from(logits.subarray(row * classes, (row + 1) * classes));
    const top = Math.max(...values);
    const exponentials = values.map((value) => Math.exp(value - top));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    return exponentials.map((value) => value / total);
  });
  return Float32Array.from(rows.flat());
}

/** `brief`: one combination instead of four, for a model whose sibling had all. */
async function expectAgreement(graph: Graph, { foldBatchNorm = true, brief = false } = {}): Promise<void> {
  const model = trainedModel(graph);
  const [height, width, channels] = graph.nodes[0].shape;
  const loaders: ((normalization: boolean) => Promise<LoadedModel>)[] = [
    (normalization) =>
      onnxRunner(onnxRuntime)([{ path: 'model.onnx', blob: writeOnnx(model, { normalization, foldBatchNorm }) }]),
    (normalization) => tfjsRunner(writeTfjs(model, { normalization, foldBatchNorm })),
  ];
  for (const load of loaders) {
    for (const normalization of brief ? [true] : [true, false]) {
      const loaded = await load(normalization);
      for (const count of brief ? [2] : [1, 3]) {
        const shape = [count, height, width, channels] as const;
        const images = randomImages(shape, count);
        const expected = await reference(model, images, shape);
        const outputs = await loaded.run(normalization ? images : normalize(images, model), shape);
        expect([...outputs.keys()]).toEqual(['logits', 'probabilities']);
        expect(relativeDifference(expected, outputs.get('logits'))).toBeLessThan(TOLERANCE);
        const probabilities = softmax(expected, model.classes.length);
        expect(relativeDifference(probabilities, outputs.get('probabilities'))).toBeLessThan(TOLERANCE);
      }
      await loaded.dispose();
    }
  }
  const parameters = await readParameters(graph, writeSafetensors(model));
  expect([...parameters.keys()]).toEqual([...model.parameters.keys()]);
  for (const [name, values] of parameters) {
    // Bytes, not toEqual, which takes 20 s for eleven million numbers.
    expect(Buffer.compare(bytes(values), bytes(model.parameters.get(name))), name).toBe(0);
  }
}

function bytes(values: Float32Array | undefined): Uint8Array {
  return values === undefined ? new Uint8Array() : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

test('every operation has a case here', () => {
  expect(new Set(graphCases.map(({ op }) => op))).toEqual(new Set(Object.keys(operations)));
});

describe('operation', () => {
  beforeAll(async () => {
    engine = await nodeEngine('cpu');
  });

  test.each(graphCases)('$op: $title', ({ graph }) => expectAgreement(graph));

  const normed = graphCases.filter(({ graph }) => graph.nodes.some(({ op }) => op === 'batch_norm'));
  test.each(normed)('$op: $title, batch norm kept', ({ graph }) => expectAgreement(graph, { foldBatchNorm: false }));
});

const builds = import.meta.glob<BuildModel>('/models/*/build.ts', { eager: true, import: 'default' });
const metas = import.meta.glob<ModelMeta>('/models/*/meta.ts', { eager: true, import: 'default' });
const models = Object.keys(builds).map((path) => ({ path, meta: metas[path.replace('build.ts', 'meta.ts')] }));
const whole = smallestOfFamilies(models.map(({ meta }) => meta));

/** Small, oblong, and no power of two; multiples of what the model needs. */
function sizeFor({ sizeMultiple }: ModelMeta): Pair {
  return sizeMultiple === 1 ? [40, 56] : [2 * sizeMultiple, 3 * sizeMultiple];
}

describe('model', () => {
  beforeAll(async () => {
    engine = await nodeEngine('wasm');
  });

  test.each(models)('$meta.id', ({ path, meta }) =>
    expectAgreement(builds[path]({ config: {}, imageSize: sizeFor(meta), classes: 7 }), { brief: !whole.has(meta.id) }),
  );
});
