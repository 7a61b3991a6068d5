// safetensors: what is written is read, by the format's own rules; what breaks them is refused by name.
import { describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '$lib/interchange/bytes';
import { bfloat16, float16 } from '$lib/interchange/numbers';
import { readParameters, writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { floatValues, readSafetensors } from '$lib/interchange/safetensors/read';
import { encodeSafetensors } from '$lib/interchange/safetensors/write';
import { duplicateKey } from '$lib/interchange/strict-json';
import resnet18 from '$models/resnet18/build';
import tinyCnn from '$models/tiny-cnn/build';
import { graphCases } from './support/graphs';
import { trainedModel } from './support/models';
import { mutations } from './support/mutate';

const model = trainedModel(tinyCnn({ config: {}, imageSize: [24, 32], classes: 4 }));

/** A file with this header, whatever it says, and so many bytes of data. */
function fileOf(header: unknown, dataBytes: number, text = JSON.stringify(header)): Blob {
  const json = new TextEncoder().encode(text);
  const length = new BigUint64Array([BigInt(json.byteLength)]);
  return new Blob([length, json, new Uint8Array(dataBytes)]);
}

async function refusal(file: Blob): Promise<TrainyardError> {
  const error: unknown = await readSafetensors(file).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
  expect(error.code).toBe('safetensors-damaged');
  expect(error.hint).not.toBe('');
  return error;
}

test('a file written by hand is read', async () => {
  const header = {
    a: { dtype: 'F32', shape: [2], data_offsets: [2, 10] },
    half: { dtype: 'F16', shape: [], data_offsets: [0, 2] },
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const data = new Uint8Array([0x00, 0x3c, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  const file = new Blob([new BigUint64Array([BigInt(json.byteLength)]), json, data]);
  const { tensors, metadata } = await readSafetensors(file);
  expect([...tensors.keys()]).toEqual(['half', 'a']);
  expect(metadata.size).toBe(0);
  const [half, a] = tensors.values();
  expect(floatValues(half)).toEqual(new Float32Array([1]));
  expect(floatValues(a)).toEqual(new Float32Array([1, -2]));
});

test('what is written is read, wide numbers first and each aligned', async () => {
  const file = encodeSafetensors(
    [
      { name: 'weight', dtype: 'F32', shape: [2, 2], values: new Float32Array([1, 2, 3, 4]) },
      { name: 'empty', dtype: 'F32', shape: [0, 3], values: new Float32Array(0) },
      { name: 'count', dtype: 'I64', shape: [], values: [2 ** 40] },
    ],
    { format: 'pt', labels: '["ä"]' },
  );
  const { tensors, metadata } = await readSafetensors(file);
  expect([...tensors.keys()]).toEqual(['count', 'weight', 'empty']);
  expect(metadata).toEqual(
    new Map([
      ['format', 'pt'],
      ['labels', '["ä"]'],
    ]),
  );
  const headerLength = new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
  expect(headerLength % 8n).toBe(0n);
  const [count, weight] = tensors.values();
  expect(floatValues(count)).toEqual(new Float32Array([2 ** 40]));
  expect(floatValues(weight)).toEqual(new Float32Array([1, 2, 3, 4]));
});

test('half precision and bfloat16 become the same numbers', () => {
  // IEEE 754: 1, -2, the largest, the smallest subnormal, infinity.
  expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00].map(float16)).toEqual([1, -2, 65504, 2 ** -24, Infinity]);
  expect(float16(0x7e00)).toBeNaN();
  expect(Object.is(float16(0x8000), -0)).toBe(true);
  expect([0x3f80, 0xc000, 0x7f80].map(bfloat16)).toEqual([1, -2, Infinity]);
});

test.each([
  ['BOOL', [0, 1], [0, 1]],
  ['U8', [200], [200]],
  ['I8', [200], [-56]],
  ['U16', [1, 2], [513]],
  ['I16', [0xfe, 0xff], [-2]],
  ['BF16', [0x80, 0xbf], [-1]],
  ['I32', [0xff, 0xff, 0xff, 0xff], [-1]],
  ['U32', [0xff, 0xff, 0xff, 0xff], [4294967296]],
  ['F64', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f], [1]],
  ['I64', [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-3]],
  ['U64', [3, 0, 0, 0, 0, 0, 0, 0], [3]],
])('%s becomes float32', async (dtype, data, expected) => {
  const header = { x: { dtype, shape: [expected.length], data_offsets: [0, data.length] } };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Blob([new BigUint64Array([BigInt(json.byteLength)]), json, new Uint8Array(data)]);
  const [x] = (await readSafetensors(file)).tensors.values();
  expect(floatValues(x)).toEqual(new Float32Array(expected));
});

describe('refused:', () => {
  const good = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };

  test.each<[title: string, file: Blob, message: RegExp]>([
    ['an empty file', new Blob([]), /0 bytes/],
    ['a header longer than the file', new Blob([new BigUint64Array([99n]), '{}']), /99 bytes long/],
    ['a header of 2^63 bytes', new Blob([new BigUint64Array([2n ** 63n]), '{}']), /bytes long/],
    ['a header that is not JSON', fileOf(null, 0, '{nonsense'), /not JSON/],
    ['a header that begins with a space', fileOf(null, 0, ' {}'), /begin/],
    ['a header that is a list', fileOf(null, 0, '[]'), /begin/],
    ['metadata that is not a text', fileOf({ __metadata__: { a: 1 } }, 0), /"a" is not a text/],
    ['metadata that is a list', fileOf({ __metadata__: [] }, 0), /metadata/],
    ['a tensor that is a number', fileOf({ x: 1 }, 0), /"x" has no description/],
    ['an unknown number type', fileOf({ x: { ...good, dtype: 'F8_E4M3' } }, 4), /F8_E4M3/],
    ['a number type from the prototype', fileOf({ x: { ...good, dtype: 'constructor' } }, 4), /constructor/],
    ['no shape', fileOf({ x: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /shape/],
    ['a negative length', fileOf({ x: { ...good, shape: [-1] } }, 4), /shape/],
    ['a fraction as a length', fileOf({ x: { ...good, shape: [1.5] } }, 4), /shape/],
    ['an enormous shape', fileOf({ x: { ...good, shape: [2 ** 50, 2 ** 50] } }, 4), /has 4 bytes/],
    ['offsets of three', fileOf({ x: { ...good, data_offsets: [0, 4, 8] } }, 4), /data_offsets/],
    ['offsets that go back', fileOf({ x: { ...good, data_offsets: [4, 0] } }, 4), /has -4 bytes/],
    ['fewer bytes than the shape takes', fileOf({ x: { ...good, shape: [2] } }, 4), /has 4 bytes, not 8/],
    ['a file that ends early', fileOf({ x: good }, 2), /ends 2 bytes too early/],
    ['bytes that belong to no tensor', fileOf({ x: good }, 6), /2 bytes behind/],
    ['a gap', fileOf({ x: good, y: { ...good, data_offsets: [8, 12] } }, 12), /gap of 4 bytes before tensor "y"/],
    ['a gap at the start', fileOf({ y: { ...good, data_offsets: [4, 8] } }, 8), /gap of 4 bytes/],
    [
      'an overlap',
      fileOf({ x: { ...good, shape: [2], data_offsets: [0, 8] }, y: { ...good, data_offsets: [4, 8] } }, 8),
      /"y" overlaps/,
    ],
    [
      'a name that occurs twice',
      fileOf(null, 4, `{"x":${JSON.stringify(good)},"\\u0078":${JSON.stringify(good)}}`),
      /names "x" twice/,
    ],
    [
      'a field that occurs twice',
      fileOf(null, 4, '{"x":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}'),
      /names "shape" twice/,
    ],
  ])('%s', async (_title, file, message) => {
    expect((await refusal(file)).message).toMatch(message);
  });
});

test('doubled keys are found at any depth, and only in the same object', () => {
  expect(duplicateKey('{"a": {"b": 1}, "b": [{"a": "b"}, {"a": "}"}]}')).toBeNull();
  expect(duplicateKey('{"a": [{"c": 1, "c" : 2}]}')).toBe('c');
  expect(duplicateKey('{"a\\"": 1, "a\\u0022": 2}')).toBe('a"');
  expect(duplicateKey('["a", "a"]')).toBeNull();
});

describe('parameters', () => {
  test('come back bit for bit, whatever the operation', async () => {
    for (const { graph } of graphCases) {
      const trained = trainedModel(graph);
      expect(await readParameters(graph, writeSafetensors(trained))).toEqual(trained.parameters);
    }
  });

  test('carry PyTorch’s names, shapes and counters, and the labels', async () => {
    const graph = resnet18({ config: {}, imageSize: [32, 32], classes: 3 });
    const { tensors, metadata } = await readSafetensors(writeSafetensors(trainedModel(graph)));
    expect(tensors.get('conv1.weight')?.shape).toEqual([64, 3, 7, 7]);
    expect(tensors.get('fc.weight')?.shape).toEqual([3, 512]);
    expect(tensors.get('layer1.0.bn1.num_batches_tracked')).toMatchObject({ type: 'int64', shape: [] });
    // timm's resnet18 has 122 entries, 20 of them counters.
    expect(tensors.size).toBe(122);
    expect(metadata.get('format')).toBe('pt');
    expect(JSON.parse(metadata.get('labels') ?? '')).toEqual(['class 0', 'class 1', 'class 2']);
  });

  const mismatch = async (file: Blob): Promise<string> => {
    const error: unknown = await readParameters(model.graph, file).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
    expect(error.code).toBe('weights-mismatch');
    return error.message;
  };

  test('that are missing are named', async () => {
    expect(await mismatch(encodeSafetensors([], {}))).toMatch(/lack "stem.conv.weight", .* more/);
  });

  test('of another number of classes are refused', async () => {
    const other = trainedModel(tinyCnn({ config: {}, imageSize: [24, 32], classes: 5 }));
    expect(await mismatch(writeSafetensors(other))).toBe(
      'Weight "classifier.weight" has the shape [5, 256], the model\'s is [4, 256].',
    );
  });

  test('that the model does not have are refused', async () => {
    const { tensors } = await readSafetensors(writeSafetensors(model));
    const more = [...tensors.values()].map((tensor) => ({
      name: tensor.name,
      dtype: 'F32' as const,
      shape: tensor.shape,
      values: floatValues(tensor),
    }));
    more.push({ name: 'head.bias', dtype: 'F32', shape: [1], values: new Float32Array(1) });
    expect(await mismatch(encodeSafetensors(more, {}))).toMatch(/hold "head.bias", which the model lacks/);
  });
});

test('a damaged file gives one of our errors, or other numbers', async () => {
  const bytes = await readBytes(writeSafetensors(model));
  const header = Number(new DataView(bytes.buffer).getBigUint64(0, true)) + 8;
  let refused = 0;
  for (const damaged of mutations(bytes, 1000, header)) {
    try {
      await readParameters(model.graph, new Blob([damaged]));
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      refused++;
    }
  }
  // A changed byte within the data cannot be seen: the format has no checksum.
  expect(refused).toBeGreaterThan(800);
});
