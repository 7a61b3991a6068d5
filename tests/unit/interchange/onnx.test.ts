// The bytes of ONNX files, proven by decoding them. Whether a runtime agrees with them is tests/contract/exports.test.ts.
import { expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '$lib/interchange/bytes';
import { decodeOnnx } from '$lib/interchange/onnx/decode';
import { encodeOnnx } from '$lib/interchange/onnx/encode';
import type { OnnxModel } from '$lib/interchange/onnx/model';
import { float, integers, readFields, signed, text } from '$lib/interchange/onnx/protobuf-reader';
import { ProtobufWriter, varint } from '$lib/interchange/onnx/protobuf-writer';
import { toOnnx, writeOnnx } from '$lib/interchange/onnx/write';
import tinyCnn from '$models/tiny-cnn/build';
import { graphCases } from './support/graphs';
import { trainedModel } from './support/models';
import { mutations } from './support/mutate';

const tiny = trainedModel(tinyCnn({ config: {}, imageSize: [24, 32], classes: 4 }), {
  classes: ['rose', 'tulip', 'Gänseblümchen', '"quoted"'],
});

async function bytesOfModel(model: OnnxModel): Promise<Uint8Array> {
  return readBytes(encodeOnnx(model));
}

test('whole numbers take seven bits a byte, the lowest first', () => {
  // By hand from the encoding's definition.
  expect(varint(0)).toEqual([0]);
  expect(varint(127)).toEqual([127]);
  expect(varint(128)).toEqual([0x80, 1]);
  expect(varint(300)).toEqual([0xac, 2]);
  expect(varint(2 ** 40)).toEqual([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  expect(varint(-1)).toEqual([...Array<number>(9).fill(0xff), 1]);
  expect(() => varint(0.5)).toThrow(RangeError);
});

test('a message is read back as it was written', async () => {
  const inner = new ProtobufWriter().string(1, 'größer').integer(2, -3);
  const blob = new ProtobufWriter()
    .integer(1, 2 ** 33)
    .float(2, 0.1)
    .integers(3, [0, 5, -1])
    .message(1000, inner)
    .toBlob();
  const fields = [...readFields(await readBytes(blob))];
  expect(fields.map(({ number }) => number)).toEqual([1, 2, 3, 3, 3, 1000]);
  expect(signed(fields[0])).toBe(2 ** 33);
  expect(float(fields[1])).toBe(Math.fround(0.1));
  expect(fields.slice(2, 5).map(signed)).toEqual([0, 5, -1]);
  const [name, value] = readFields(fields[5].bytes);
  expect(text(name)).toBe('größer');
  expect(signed(value)).toBe(-3);
});

test('packed repeated numbers are read too', () => {
  const [field] = readFields(new Uint8Array([0x0a, 4, 1, 0xac, 2, 0]));
  expect(integers(field)).toEqual([1, 300, 0]);
});

test('weights enter the file by reference', () => {
  const weights = new Uint8Array(1000);
  const writer = new ProtobufWriter().message(1, new ProtobufWriter().bytes(9, weights));
  expect(writer.parts.some((part) => part.buffer === weights.buffer)).toBe(true);
});

test('three hundred megabytes of weights encode within a second', () => {
  const weights = new Float32Array(75e6);
  const model = { ...toOnnx(tiny, { normalization: true }) };
  const initializers = [{ name: 'large', shape: [75e6], type: 'float32' as const, values: weights }];
  const start = performance.now();
  const blob = encodeOnnx({ ...model, initializers });
  // Blob takes the parts as they are on most engines; Node copies them once, 0.1 s. A copy more would double it.
  expect(performance.now() - start).toBeLessThan(1000);
  expect(blob.size).toBeGreaterThan(300e6);
});

test.each([...graphCases.slice(0, 60), { op: 'model', title: 'tiny-cnn', graph: tiny.graph }])(
  '$op: $title decodes to what was encoded',
  async ({ graph }) => {
    const model = toOnnx(trainedModel(graph), { normalization: true });
    const decoded = decodeOnnx(await bytesOfModel(model));
    // Attributes are float32 in the file.
    const rounded = model.nodes.map((node) => ({
      ...node,
      attributes: Object.fromEntries(
        Object.entries(node.attributes).map(([name, attribute]) => [
          name,
          attribute.type === 'float' ? { ...attribute, value: Math.fround(attribute.value) } : attribute,
        ]),
      ),
    }));
    expect(decoded).toEqual({ ...model, nodes: rounded });
  },
);

test('the file says what it takes, what it gives and how it was made', async () => {
  const model = decodeOnnx(await readBytes(writeOnnx(tiny, { normalization: true })));
  expect(model).toMatchObject({ irVersion: 8, opset: 17, producer: { name: 'trainyard' }, name: 'test' });
  expect(model.producer.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(model.inputs).toEqual([{ name: 'image', shape: ['batch', 3, 24, 32] }]);
  expect(model.outputs).toEqual([
    { name: 'logits', shape: ['batch', 4] },
    { name: 'probabilities', shape: ['batch', 4] },
  ]);
  expect(JSON.parse(model.metadata.labels)).toEqual(tiny.classes);
  expect(JSON.parse(model.metadata.preprocessing)).toEqual({
    image_size: [24, 32],
    resize: 'stretch',
    interpolation: 'bilinear',
    channel_order: 'RGB',
    input_range: [0, 1],
    mean: tiny.preprocess.mean,
    std: tiny.preprocess.std,
    normalization_in_model: true,
  });
  expect(JSON.parse(model.metadata.postprocessing)).toEqual({ output: 'probabilities', activation: 'softmax' });
  expect(model.metadata).toMatchObject({ task: 'classification', model: 'test', trainyard: model.producer.version });
});

test('without normalisation the file says so', async () => {
  const model = decodeOnnx(await readBytes(writeOnnx(tiny, { normalization: false })));
  expect(JSON.parse(model.metadata.preprocessing)).toMatchObject({ normalization_in_model: false });
});

test('weights are called as in PyTorch and have its shapes', async () => {
  const model = decodeOnnx(await readBytes(writeOnnx(tiny, { normalization: true })));
  const shapes = new Map(model.initializers.map(({ name, shape }) => [name, shape]));
  expect(shapes.get('stem.conv.weight')).toEqual([32, 3, 3, 3]);
  expect(shapes.get('blocks.0.dw.conv.weight')).toEqual([32, 1, 3, 3]);
  expect(shapes.get('classifier.weight')).toEqual([4, 256]);
});

test('batch norm is folded unless it is asked for or its convolution is read twice', () => {
  const ops = (model: OnnxModel): string[] => model.nodes.map(({ op }) => op);
  expect(ops(toOnnx(tiny, { normalization: true }))).not.toContain('BatchNormalization');
  const kept = ops(toOnnx(tiny, { normalization: true, foldBatchNorm: false }));
  expect(kept.filter((op) => op === 'BatchNormalization')).toHaveLength(13);
  const twice = graphCases.find(({ title }) => title.includes('read twice') && title.includes('folded'));
  if (twice === undefined) throw new Error('The case is gone.');
  expect(ops(toOnnx(trainedModel(twice.graph), { normalization: true }))).toContain('BatchNormalization');
});

test('nothing that no output needs is written', async () => {
  for (const { graph } of graphCases) {
    const model = toOnnx(trainedModel(graph), { normalization: true });
    const read = new Set([...model.nodes.flatMap(({ inputs }) => inputs), ...model.outputs.map(({ name }) => name)]);
    for (const { outputs } of model.nodes) expect(outputs.some((name) => read.has(name))).toBe(true);
    for (const { name } of model.initializers) expect(read).toContain(name);
  }
});

test('a damaged file gives one of our errors, or is read', async () => {
  const bytes = await readBytes(writeOnnx(tiny, { normalization: true }));
  let refused = 0;
  for (const damaged of mutations(bytes, 300, 2000)) {
    try {
      decodeOnnx(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(TrainyardError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(50);
});
