// ONNX files that cannot be trained: their features by ONNX Runtime, a trained head behind them, and every export of the two.
import * as onnxRuntime from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { GraphBuilder } from '$lib/graph/builder';
import type { Graph } from '$lib/graph/types';
import { readBundle } from '$lib/interchange/bundle/read';
import type { ExportFormat, TrainedModel } from '$lib/interchange/contract';
import { exportModel } from '$lib/interchange/export';
import { openPredictor } from '$lib/interchange/model-predictor';
import { onnxRunner } from '$lib/interchange/verify/onnx-runtime';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import type { ImageShape } from '$lib/interchange/verify/runner';
import type { ImportedExtractor } from '$lib/interchange/weights/contract';
import { createExtractor } from '$lib/interchange/weights/onnx/extractor';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import { nodeEngine } from '../support/engine';
import { randomImages, relativeDifference, trainedModel } from '../support/models';
import { runtimeOutput } from '../support/onnx';
import { floats, node, onnxFile, weights } from '../support/onnx-files';
import type { FileParts } from '../support/onnx-files';

const SHAPE: ImageShape = [5, 16, 20, 3];
const MEAN = [0.4, 0.5, 0.6] as const;
const STD = [0.2, 0.3, 0.25] as const;

let engine: Engine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

/** A network with an operation that has no counterpart here; `pooled` is what its classifier reads. */
function eluParts(changes: Partial<FileParts> = {}): FileParts {
  return {
    nodes: [
      node('Conv', ['x', 'conv.weight'], 'conv'),
      node('Elu', ['conv'], 'elu'),
      node('GlobalAveragePool', ['elu'], 'mean'),
      node('Flatten', ['mean'], 'pooled'),
      node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], 'output', { transB: { type: 'int', value: 1 } }),
    ],
    initializers: [weights('conv.weight', [7, 3, 3, 3]), weights('fc.weight', [4, 7]), weights('fc.bias', [4])],
    ...changes,
  };
}

async function extractorOf(blob: Blob): Promise<ImportedExtractor> {
  const result = await (await openOnnx(blob, 'elu.onnx')).architecture();
  if (result.kind !== 'extractor') throw new Error(JSON.stringify(result));
  return result.extractor;
}

/** The same file with another tensor given out. */
function givingOut(parts: FileParts, tensor: string): Blob {
  return onnxFile({ ...parts, outputs: [{ name: tensor, shape: ['batch', 7] }] });
}

function normalized(images: Float32Array): Float32Array {
  return images.map((value, at) => (value - MEAN[at % 3]) / STD[at % 3]);
}

test('an unknown operation is named, and the file gives the features that its classifier reads', async () => {
  const result = await (await openOnnx(onnxFile(eluParts()), 'elu.onnx')).architecture();
  expect(result).toEqual({
    kind: 'extractor',
    extractor: {
      title: 'model',
      input: { name: 'x', layout: 'NCHW', imageSize: [16, 20] },
      output: 'pooled',
      features: 7,
    },
    reason: 'It has the operation Elu, which cannot be trained here.',
    unsupported: ['Elu'],
  });
});

test('features equal the tensor before the classifier, of floats and of bytes', async () => {
  const parts = eluParts();
  const blob = onnxFile(parts);
  const extractor = await createExtractor(blob, await extractorOf(blob));
  const images = randomImages(SHAPE);
  const expected = await runtimeOutput(givingOut(parts, 'pooled'), normalized(images), SHAPE);
  const found = await extractor.run({ images, shape: SHAPE }, { mean: MEAN, std: STD });
  // The same operations in the same runtime: only the normalisation is rounded otherwise.
  expect(relativeDifference(expected, found)).toBeLessThan(1e-6);
  const bytes = Uint8Array.from(images, (value) => Math.round(255 * value));
  const rounded = Float32Array.from(bytes, (byte) => byte / 255);
  const ofBytes = await extractor.run({ images: bytes, shape: SHAPE }, { mean: MEAN, std: STD });
  const expectedOfBytes = await runtimeOutput(givingOut(parts, 'pooled'), normalized(rounded), SHAPE);
  expect(relativeDifference(expectedOfBytes, ofBytes)).toBeLessThan(1e-6);
  await extractor.dispose();
});

test('a file that normalises by itself gets what its network expects behind that', async () => {
  const parts = eluParts();
  const own = eluParts({
    nodes: [
      node('Mul', ['x', 'range'], 'bytes'),
      node('Sub', ['bytes', 'rgb.mean'], 'centred'),
      node('Div', ['centred', 'rgb.std'], 'normal'),
      ...parts.nodes.map((each) => ({ ...each, inputs: each.inputs.map((name) => (name === 'x' ? 'normal' : name)) })),
    ],
    initializers: [
      ...(parts.initializers ?? []),
      floats('range', [255], []),
      floats(
        'rgb.mean',
        MEAN.map((value) => 255 * value),
        [1, 3, 1, 1],
      ),
      floats(
        'rgb.std',
        STD.map((value) => 255 * value),
        [1, 3, 1, 1],
      ),
    ],
  });
  const blob = onnxFile(own);
  const { preprocess } = await openOnnx(blob, 'own.onnx');
  for (const c of [0, 1, 2]) {
    expect(preprocess?.mean[c]).toBeCloseTo(MEAN[c], 6);
    expect(preprocess?.std[c]).toBeCloseTo(STD[c], 6);
  }
  const extractor = await createExtractor(blob, await extractorOf(blob));
  const images = randomImages(SHAPE);
  const found = await extractor.run({ images, shape: SHAPE }, { mean: MEAN, std: STD });
  const expected = await runtimeOutput(givingOut(own, 'pooled'), images, SHAPE);
  expect(relativeDifference(expected, found)).toBeLessThan(1e-5);
  await extractor.dispose();
});

test.each([1, 2])('a file for exactly %s images at a time gets them so', async (batch) => {
  const parts = eluParts();
  const blob = onnxFile(eluParts({ input: [batch, 3, 16, 20] }));
  const extractor = await createExtractor(blob, await extractorOf(blob));
  const images = randomImages(SHAPE);
  const found = await extractor.run({ images, shape: SHAPE }, { mean: MEAN, std: STD });
  const expected = await runtimeOutput(givingOut(parts, 'pooled'), normalized(images), SHAPE);
  expect(relativeDifference(expected, found)).toBeLessThan(1e-6);
  await extractor.dispose();
});

test('a file that ONNX Runtime refuses is an error with its words', async () => {
  const parts = eluParts();
  const broken = onnxFile({
    ...parts,
    nodes: parts.nodes.map((each) => (each.op === 'Elu' ? { ...each, op: 'Nonsense' } : each)),
  });
  await expect(createExtractor(broken, await extractorOf(broken))).rejects.toMatchObject({ code: 'extractor-failed' });
});

/** Reads seven features. */
function headGraph(kind: 'linear' | 'mlp' | 'cosine'): Graph {
  const builder = new GraphBuilder([1, 1], 7);
  const features = builder.reshape(builder.input, [7]);
  if (kind === 'linear') return builder.build(builder.linear('classifier', features, { features: 4 }), { features });
  if (kind === 'cosine') {
    return builder.build(builder.cosineLinear('head', features, { features: 4, scale: 8 }), { features });
  }
  const hidden = builder.activation(builder.linear('head.0', features, { features: 9 }), 'relu');
  return builder.build(builder.linear('head.3', hidden, { features: 4 }), { features });
}

async function trained(parts: FileParts, kind: 'linear' | 'mlp' | 'cosine'): Promise<TrainedModel> {
  const file = onnxFile(parts);
  const model = trainedModel(headGraph(kind), { extractor: { ...(await extractorOf(file)), file } });
  return { ...model, preprocess: { ...model.preprocess, imageSize: [16, 20], mean: MEAN, std: STD } };
}

async function predicted(model: TrainedModel, images: Float32Array): Promise<Float32Array> {
  const predictor = await openPredictor(engine, model);
  try {
    const targets = { values: new Float32Array(0), shape: [0] };
    return (await predictor.predict({ images, shape: SHAPE, targets })).output;
  } finally {
    predictor.dispose();
  }
}

async function exported(
  model: TrainedModel,
  formats: readonly ExportFormat[],
  bundle = false,
): ReturnType<typeof exportModel> {
  return exportModel({
    model,
    formats,
    bundle,
    images: { images: randomImages(SHAPE), shape: SHAPE },
    runners: { engine, onnx: onnxRunner(onnxRuntime), tfjs: tfjsRunner },
  });
}

describe('a trained head behind an ONNX file', () => {
  test.each(['linear', 'mlp', 'cosine'] as const)('is exported as one verified ONNX file: %s', async (kind) => {
    const model = await trained(eluParts(), kind);
    const { report, files } = await exported(model, ['onnx']);
    expect(report.formats).toMatchObject([{ format: 'onnx', status: 'verified', reason: '' }]);
    const images = randomImages(SHAPE, 9);
    const found = await runtimeOutput(files[0].blob, images, SHAPE, { output: 'logits' });
    expect(relativeDifference(await predicted(model, images), found)).toBeLessThan(1e-5);
    const again = await openOnnx(files[0].blob, 'model.onnx');
    expect(again.classes).toEqual(model.classes);
  });

  test.each([9, 12, 13, 18, 21])('joins a file of opset %s', async (opset) => {
    const { report } = await exported(await trained(eluParts({ opset }), 'cosine'), ['onnx']);
    expect(report.formats).toMatchObject([{ status: 'verified', reason: '' }]);
  });

  test('joins a file in NHWC whose tensors are called like the inputs and outputs of the export', async () => {
    const parts = eluParts();
    const rename = (name: string): string => ({ conv: 'logits', elu: 'probabilities', mean: 'image' })[name] ?? name;
    const nodes = [
      node('Transpose', ['x'], 'turned', { perm: { type: 'ints', value: [0, 3, 1, 2] } }),
      ...parts.nodes.map((each) => ({
        ...each,
        inputs: each.inputs.map((name) => (name === 'x' ? 'turned' : rename(name))),
        outputs: each.outputs.map(rename),
      })),
    ];
    const model = await trained(eluParts({ nodes, input: ['batch', 16, 20, 3] }), 'linear');
    expect(model.extractor?.input.layout).toBe('NHWC');
    const { report } = await exported(model, ['onnx']);
    expect(report.formats).toMatchObject([{ status: 'verified', reason: '' }]);
  });

  test('says what the other formats cannot hold', async () => {
    const { report } = await exported(await trained(eluParts(), 'linear'), ['tfjs', 'safetensors', 'pytorch']);
    expect(report.formats).toMatchObject([
      { format: 'tfjs', status: 'failed', reason: 'Its features come from an ONNX file, which TF.js cannot run.' },
      { format: 'safetensors', status: 'verified', note: expect.stringContaining('head alone') },
      { format: 'pytorch', status: 'verified', note: expect.stringContaining('head alone') },
    ]);
  });

  test('opens again from its bundle, file and all', async () => {
    const model = await trained(eluParts(), 'mlp');
    const { bundle } = await exported(model, ['onnx'], true);
    if (bundle === null) throw new Error('no bundle');
    const opened = await readBundle(bundle);
    expect(opened.extractor).toMatchObject({ output: 'pooled', features: 7 });
    const images = randomImages(SHAPE, 11);
    expect(await predicted(opened, images)).toEqual(await predicted(model, images));
  });
});
