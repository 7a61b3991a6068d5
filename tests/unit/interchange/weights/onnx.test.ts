// ONNX files as weights and as networks: what is imported must compute what ONNX Runtime computes from the same file.
import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { ProtobufWriter } from '$lib/interchange/onnx/protobuf-writer';
import { writeOnnx } from '$lib/interchange/onnx/write';
import type { ImageShape } from '$lib/interchange/verify/runner';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import resnet18 from '$models/resnet18/build';
import { nodeEngine } from '../support/engine';
import { graphCases } from '../support/graphs';
import { randomImages, relativeDifference, trainedModel } from '../support/models';
import { importedOutput, probed, runtimeOutput } from '../support/onnx';
import { node, onnxFile, weights } from '../support/onnx-files';

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

test('a file of 100 MB opens without its weights being read', async () => {
  const large = (name: string) => ({
    name,
    shape: [2500, 2500],
    type: 'float32' as const,
    values: new Float32Array(6.25e6),
  });
  const nodes = [
    node('GlobalAveragePool', ['x'], 'mean'),
    node('Flatten', ['mean'], 'flat'),
    node('Gemm', ['flat', 'first'], 'wide'),
    ...['a', 'b', 'c', 'd'].map((name, at) =>
      node('Gemm', [at === 0 ? 'wide' : `y${at}`, name], at === 3 ? 'output' : `y${at + 1}`),
    ),
  ];
  const initializers = [weights('first', [3, 2500]), ...['a', 'b', 'c', 'd'].map(large)];
  const blob = onnxFile({ nodes, initializers });
  expect(blob.size).toBeGreaterThan(100e6);
  const start = performance.now();
  const file = await openOnnx(blob, 'large.onnx');
  // 30 ms on two busy cores; reading all of it takes ten times that.
  expect(performance.now() - start).toBeLessThan(1000);
  expect(file.tensors.map(({ name }) => name)).toEqual(['first', 'a', 'b', 'c', 'd']);
  const result = await file.architecture();
  expect(result.kind).toBe('graph');
  // The weights themselves: 3 seconds is what the project allows for files of this size.
  expect(performance.now() - start).toBeLessThan(3000);
});

test('tensors are read in every type that ONNX has for numbers', async () => {
  // [2] in float16, bfloat16, double, int32, uint8 as raw data; floats and halves in their typed fields.
  const values = (name: string, type: number, bytes: Uint8Array<ArrayBuffer>): ProtobufWriter =>
    new ProtobufWriter().integers(1, [2]).integer(2, type).string(8, name).bytes(9, bytes);
  const bytes = (...list: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(list);
  const tensors = [
    values('half', 10, bytes(0x00, 0x3e, 0x00, 0xc1)), // 1.5, -2.5
    values('brain', 16, bytes(0xc0, 0x3f, 0x20, 0xc0)), // 1.5, -2.5
    values('double', 11, new Uint8Array(new Float64Array([1.5, -2.5]).buffer)),
    values('whole', 6, new Uint8Array(new Int32Array([3, -4]).buffer)),
    values('byte', 2, bytes(3, 255)),
    new ProtobufWriter().integers(1, [2]).integer(2, 1).string(8, 'floats').float(4, 1.5).float(4, -2.5),
    new ProtobufWriter().integers(1, [2]).integer(2, 10).string(8, 'halves').integer(5, 0x3e00).integer(5, 0xc100),
    new ProtobufWriter().integers(1, [2]).integer(2, 7).string(8, 'longs').integer(7, 3).integer(7, -4),
  ];
  const graph = new ProtobufWriter().messages(5, tensors);
  const file = await openOnnx(new ProtobufWriter().integer(1, 8).message(7, graph).toBlob(), 'types.onnx');
  const read = Object.fromEntries(
    await Promise.all(
      file.tensors.map(async (tensor) => [tensor.name, [tensor.dtype, ...(await tensor.read())]] as const),
    ),
  );
  expect(read).toEqual({
    half: ['float16', 1.5, -2.5],
    brain: ['bfloat16', 1.5, -2.5],
    double: ['float64', 1.5, -2.5],
    whole: ['int32', 3, -4],
    byte: ['uint8', 3, 255],
    floats: ['float32', 1.5, -2.5],
    halves: ['float16', 1.5, -2.5],
    longs: ['int64', 3, -4],
  });
  expect(await file.architecture()).toMatchObject({ kind: 'unsupported' });
});
