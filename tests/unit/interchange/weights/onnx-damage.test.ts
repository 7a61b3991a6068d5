// Damaged ONNX files: an error or a network, never anything else, never a hang. ONNX_MUTATIONS=100000 does more than the 2,000.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '$lib/interchange/bytes';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { ProtobufWriter } from '$lib/interchange/onnx/protobuf-writer';
import { openOnnx } from '$lib/interchange/weights/onnx/open';
import tinyCnn from '$models/tiny-cnn/build';
import { trainedModel } from '../support/models';
import { mutations } from '../support/mutate';
import { ints, node, onnxFile, weights } from '../support/onnx-files';

const COUNT = Number(process.env.ONNX_MUTATIONS ?? 2000);

/** What exporters write around a few layers: shapes computed from shapes, axes that move, attention. */
function computed(): Blob {
  const int = (value: number) => ({ type: 'int', value }) as const;
  const list = (...value: number[]) => ({ type: 'ints', value }) as const;
  return onnxFile({
    nodes: [
      node('Conv', ['x', 'patch.weight', 'patch.bias'], 'patches', { strides: list(4, 4) }),
      node('Shape', ['patches'], 'shape'),
      node('Gather', ['shape', 'zero'], 'batch', { axis: int(0) }),
      node('Unsqueeze', ['batch', 'axis'], 'batches'),
      node('Concat', ['batches', 'rest'], 'target', { axis: int(0) }),
      node('Reshape', ['patches', 'target'], 'flat'),
      node('Transpose', ['flat'], 'tokens', { perm: list(0, 2, 1) }),
      node('LayerNormalization', ['tokens', 'norm.weight', 'norm.bias'], 'normal', { axis: int(-1) }),
      node('MatMul', ['normal', 'qkv'], 'product'),
      node('Add', ['product', 'qkv.bias'], 'all'),
      node('Split', ['all', 'parts'], ['q', 'k', 'v'], { axis: int(2) }),
      node('Transpose', ['k'], 'keys', { perm: list(0, 2, 1) }),
      node('MatMul', ['q', 'keys'], 'scores'),
      node('Softmax', ['scores'], 'attention', { axis: int(-1) }),
      node('MatMul', ['attention', 'v'], 'attended'),
      node('ReduceMean', ['attended'], 'mean', { axes: list(1), keepdims: int(0) }),
      node('Sigmoid', ['mean'], 'gate'),
      node('Mul', ['mean', 'gate'], 'silu'),
      node('Gemm', ['silu', 'fc.weight'], 'output', { transB: int(1) }),
    ],
    initializers: [
      weights('patch.weight', [6, 3, 4, 4]),
      weights('patch.bias', [6]),
      ints('zero', [0], []),
      ints('axis', [0]),
      ints('rest', [6, -1]),
      ints('parts', [4, 4, 4]),
      weights('norm.weight', [6]),
      weights('norm.bias', [6]),
      weights('qkv', [6, 12]),
      weights('qkv.bias', [12]),
      weights('fc.weight', [3, 4]),
    ],
  });
}

const multihead = new Blob([
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../../fixtures/weights/onnx/multihead.onnx'))),
]);
const tiny = writeOnnx(trainedModel(tinyCnn({ config: {}, imageSize: [24, 32], classes: 4 })), { normalization: true });

test.each([
  ['our own export', tiny, 4000, 0.5],
  ['a file of computed shapes', computed(), 2500, 0.25],
  ['a file of PyTorch', multihead, 6000, 0.25],
])(
  '%s, damaged: an error or a network, within a second each',
  async (_title, blob, edge, share) => {
    const kinds = new Map<string, number>();
    let slowest = 0;
    for (const bytes of mutations(await readBytes(blob), COUNT * share, edge)) {
      const start = performance.now();
      const kind = await outcome(new Blob([bytes]));
      slowest = Math.max(slowest, performance.now() - start);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    // Damage is noticed, and damage to a weight's value is none.
    expect(kinds.get('weights-unreadable')).toBeGreaterThan((COUNT * share) / 20);
    expect(kinds.get('graph')).toBeGreaterThan((COUNT * share) / 50);
    expect(slowest).toBeLessThan(1000);
  },
  600_000,
);

/** What opening and reading gave; anything but a TrainyardError is thrown on. */
async function outcome(blob: Blob): Promise<string> {
  try {
    const file = await openOnnx(blob, 'damaged.onnx');
    for (const tensor of file.tensors.slice(0, 4)) await tensor.read();
    return (await file.architecture()).kind;
  } catch (error) {
    if (error instanceof TrainyardError) return error.code;
    throw error;
  }
}

test('what is undamaged is a network', async () => {
  expect(await outcome(tiny)).toBe('graph');
  expect(await outcome(computed())).toBe('graph');
});

test('the error says what was found', async () => {
  await expect(openOnnx(new Blob(['not a model at all']), 'notes.onnx')).rejects.toMatchObject({
    code: 'weights-unreadable',
    message: expect.stringContaining('"notes.onnx" cannot be read as ONNX'),
  });
  await expect(openOnnx(new Blob([]), 'empty.onnx')).rejects.toMatchObject({
    message: expect.stringContaining('it holds no graph'),
  });
});

test('weights in another file are refused with what to do', async () => {
  const tensor = new ProtobufWriter()
    .integers(1, [2, 2])
    .integer(2, 1)
    .string(8, 'fc.weight')
    .message(13, new ProtobufWriter().string(1, 'location').string(2, 'model.bin'))
    .integer(14, 1);
  const blob = new ProtobufWriter().integer(1, 8).message(7, new ProtobufWriter().message(5, tensor)).toBlob();
  await expect(openOnnx(blob, 'split.onnx')).rejects.toMatchObject({
    code: 'weights-unreadable',
    message: expect.stringContaining('in another file'),
    hint: expect.stringContaining('save_as_external_data=False'),
  });
});

test('a tensor that claims more values than the file has costs no memory', async () => {
  const tensor = new ProtobufWriter()
    .integers(1, [2 ** 30])
    .integer(2, 1)
    .string(8, 'huge')
    .bytes(9, new Uint8Array(8));
  const blob = new ProtobufWriter().integer(1, 8).message(7, new ProtobufWriter().message(5, tensor)).toBlob();
  await expect(openOnnx(blob, 'huge.onnx')).rejects.toMatchObject({ code: 'weights-unreadable' });
});
