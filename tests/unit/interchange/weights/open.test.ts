// Which reader a file gets: its content decides, not its name; what is no file of weights is told by what it is.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import JSZip from 'jszip';
import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '$lib/interchange/bytes';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { writePyTorch } from '$lib/interchange/pytorch/write';
import { writeSafetensors } from '$lib/interchange/safetensors/parameters';
import type { WeightsSource } from '$lib/interchange/weights/contract';
import { openWeights } from '$lib/interchange/weights/open';
import tinyCnn from '$models/tiny-cnn/build';
import { trainedModel } from '../support/models';

const model = trainedModel(tinyCnn({ config: {}, imageSize: [32, 32], classes: 4 }));
const safetensors = writeSafetensors(model);
const pth = writePyTorch(model);

const one = (blob: Blob, path = 'weights.bin'): WeightsSource[] => [{ path, blob }];

async function zipOf(files: Readonly<Record<string, Blob>>, compression: 'STORE' | 'DEFLATE' = 'STORE'): Promise<Blob> {
  const zip = new JSZip();
  for (const [path, blob] of Object.entries(files)) zip.file(path, await readBytes(blob));
  return new Blob([await zip.generateAsync({ type: 'arraybuffer', compression })]);
}

async function refusal(files: readonly WeightsSource[]): Promise<string> {
  const error: unknown = await openWeights(files, 'my file').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
  expect(error.code).toBe('weights-unreadable');
  expect(error.hint).not.toBe('');
  expect(error.message).toContain('my file');
  return error.message;
}

describe('the content decides:', () => {
  test.each([
    ['safetensors', safetensors],
    ['pytorch', pth],
    ['onnx', writeOnnx(model, { normalization: false })],
  ] as const)('%s', async (format, blob) => {
    const file = await openWeights(one(blob), 'my file');
    expect(file.format).toBe(format);
    expect(file.tensors.length).toBeGreaterThan(10);
  });

  test.each(['STORE', 'DEFLATE'] as const)(
    'a file in a zip (%s), beside others that are no weights',
    async (compression) => {
      const zip = await zipOf(
        { 'a/README.md': new Blob(['# weights']), 'a/model.safetensors': safetensors },
        compression,
      );
      const file = await openWeights(one(zip), 'my file');
      expect(file.format).toBe('safetensors');
      expect((await file.tensors[0].read()).length).toBeGreaterThan(0);
    },
  );

  test('a zip of torch.save that was packed again', async () => {
    const unpacked = await JSZip.loadAsync(await readBytes(pth));
    const packed = new Blob([await unpacked.generateAsync({ type: 'arraybuffer', compression: 'DEFLATE' })]);
    const [first] = (await openWeights(one(packed), 'my file')).tensors;
    const [expected] = (await openWeights(one(pth), 'my file')).tensors;
    expect(await first.read()).toEqual(await expected.read());
  });

  test('a folder with one file of weights', async () => {
    const files = [...one(new Blob(['{"a": 1}']), 'config.json'), ...one(safetensors, 'model.safetensors')];
    expect((await openWeights(files, 'my file')).format).toBe('safetensors');
  });

  const shared = process.env.TRAINYARD_DATA ?? join(import.meta.dirname, '../../../../../shared/data');
  const teachable = join(shared, 'weights/tfjs_mobilenet_v2_0.35_teachablemachine');
  const keras = join(shared, 'weights/keras_squeezenet11_notop_h5');

  test('a Teachable Machine export, as a folder and as a zip', async (context) => {
    context.skip(!existsSync(teachable), `there is no ${teachable}`);
    const names = readdirSync(teachable).filter((name) => !name.endsWith('.txt'));
    const files = names.map((path) => ({ path, blob: new Blob([readFileSync(join(teachable, path))]) }));
    const zip = await zipOf(Object.fromEntries(files.map(({ path, blob }) => [path, blob])));
    for (const sources of [files, one(zip)]) {
      expect((await openWeights(sources, 'my file')).format).toBe('tfjs-layers');
    }
  });

  test('a Keras file', async (context) => {
    context.skip(!existsSync(keras), `there is no ${keras}`);
    const [path] = readdirSync(keras).filter((name) => name.endsWith('.h5'));
    const file = await openWeights(one(new Blob([readFileSync(join(keras, path))])), 'my file');
    expect(file.format).toBe('keras-h5');
  });
});

describe('refused, with what it is:', () => {
  const tar = new Uint8Array(1024);
  tar.set(new TextEncoder().encode('ustar'), 257);
  const bytes = (...values: number[]) => new Blob([Uint8Array.from(values)]);

  test.each<[string, Blob, RegExp]>([
    ['nothing', new Blob([]), /empty/],
    ['a web page', new Blob(['\n<!DOCTYPE html><html>']), /web page/],
    ['a pointer', new Blob(['version https://git-lfs.github.com/spec/v1\noid sha256:0']), /Git LFS/],
    ['a tar archive', new Blob([tar]), /tar archive/],
    ['gzip', bytes(0x1f, 0x8b, 8, 0), /gzip/],
    ['TFLite', bytes(0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33), /TensorFlow Lite/],
    ['GGUF', new Blob(['GGUF....']), /GGUF/],
    ['a picture', bytes(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /no kind that is known/],
    ['a truncated safetensors', safetensors.slice(0, 3000), /header would be/],
    ['a truncated .pth', pth.slice(0, 30_000), /truncated/],
    ['half a pickle', bytes(0x80, 2, 0x7d, 0x71), /too early/],
    ['a pickle without tensors', bytes(0x80, 2, 0x7d, 0x2e), /no tensors/],
  ])('%s', async (_title, blob, message) => {
    expect(await refusal(one(blob))).toMatch(message);
  });

  test('a call in a pickle is a record, and no tensor', async () => {
    // posix.system('ls'), as a hostile file has it
    const call = Buffer.from('cposix\nsystem\nX\x02\0\0\0ls\x85R.', 'latin1');
    expect(await refusal(one(new Blob([bytes(0x80, 2), new Uint8Array(call)])))).toMatch(/no tensors/);
  });

  test('several files of weights', async () => {
    expect(await refusal([...one(safetensors, 'a.safetensors'), ...one(pth, 'b.pth')])).toMatch(
      /"a.safetensors" and "b.pth"/,
    );
    expect(await refusal(one(await zipOf({ 'a.safetensors': safetensors, 'b.pth': pth })))).toMatch(/several files/);
  });

  test('a zip in a zip', async () => {
    const inner = await zipOf({ 'a.safetensors': safetensors });
    expect(await refusal(one(await zipOf({ 'inner.bin': inner })))).toMatch(/zip in a zip/);
  });

  test('a zip without weights', async () => {
    await refusal(one(await zipOf({ 'a.txt': new Blob(['a']) })));
  });

  test('no file at all', async () => {
    expect(await refusal([])).toMatch(/no file/);
  });
});
