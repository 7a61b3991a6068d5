// Thousands of damaged copies of each kind of file: they are refused by one of our errors or give other numbers, within a second,
// without large memory. TRAINYARD_MUTATIONS sets how many copies of each (60,000 take some minutes).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { openArchive } from '$lib/data/archive/archive';
import { readBytes } from '$lib/interchange/bytes';
import { storedZip } from '$lib/interchange/pytorch/stored-zip';
import { encodeSafetensors } from '$lib/interchange/safetensors/write';
import { openWeights } from '$lib/interchange/weights/open';
import { mutations } from '../support/mutate';

const COPIES = Number(process.env.TRAINYARD_MUTATIONS ?? 2000);
const LONGEST_MS = 1000;
/** A tensor of stride 0 may repeat its numbers up to this size; the files here have a few kB. */
const MOST_NUMBERS = 2 ** 20;

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../../fixtures/weights/pytorch', name)));

async function outcome(blob: Blob): Promise<string> {
  try {
    const file = await openWeights([{ path: 'damaged', blob }], 'damaged');
    for (const { shape, read } of file.tensors) {
      const count = shape.reduce((product, length) => product * length, 1);
      expect(count).toBeLessThanOrEqual(MOST_NUMBERS);
      expect((await read()).length).toBe(count);
    }
    return 'read';
  } catch (error) {
    if (error instanceof TrainyardError) return error.code;
    throw error;
  }
}

/** Of this process, so that others on the machine do not count. */
function milliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function expectRefusals(
  bytes: Uint8Array<ArrayBuffer>,
  edge: number,
  fileOf = (copy: Uint8Array<ArrayBuffer>) => new Blob([copy]),
): Promise<void> {
  expect(await outcome(fileOf(bytes))).toBe('read');
  const outcomes = new Map<string, number>();
  for (const copy of mutations(bytes, COPIES, edge)) {
    const file = fileOf(copy);
    const start = milliseconds();
    const found = await outcome(file);
    expect(milliseconds() - start).toBeLessThan(LONGEST_MS);
    outcomes.set(found, (outcomes.get(found) ?? 0) + 1);
  }
  expect([...outcomes.keys()].sort()).toEqual(['read', 'weights-unreadable']);
  // The damage reaches beyond the first check of the file, or this test would test little.
  expect(outcomes.get('read') ?? 0).toBeGreaterThan(COPIES / 100);
}

beforeAll(async () => {
  // A damaged beginning makes a file of another kind: readers that are loaded on demand would be timed with it.
  await Promise.all([
    import('$lib/interchange/weights/safetensors'),
    import('$lib/interchange/weights/pytorch/open'),
    import('$lib/interchange/weights/tfjs-layers'),
    import('$lib/interchange/weights/keras-h5'),
    import('$lib/interchange/weights/onnx/open'),
  ]);
});

test('safetensors', async () => {
  const file = encodeSafetensors(
    [
      { name: 'conv.weight', dtype: 'F32', shape: [2, 3, 2, 2], values: new Float32Array(24).fill(0.5) },
      { name: 'bn.bias', dtype: 'F32', shape: [2], values: new Float32Array([1, 2]) },
      { name: 'bn.num_batches_tracked', dtype: 'I64', shape: [], values: [3] },
    ],
    { format: 'pt' },
  );
  const bytes = await readBytes(file);
  await expectRefusals(bytes, Number(new DataView(bytes.buffer).getBigUint64(0, true)));
});

test('the zip format of PyTorch', async () => {
  const bytes = fixture('views.pth');
  await expectRefusals(bytes, bytes.length);
});

const PICKLE = 'data.pkl';

test('a pickle in a whole zip', async () => {
  const { files } = await openArchive(new Blob([fixture('views.pth')]), 'views.pth');
  const entries = await Promise.all(
    files.map(async (file) => ({ path: file.path, content: await readBytes(await file.blob()) })),
  );
  const pickle = entries.find(({ path }) => path.endsWith(PICKLE))?.content ?? new Uint8Array(0);
  await expectRefusals(pickle, pickle.length, (copy) =>
    storedZip(entries.map(({ path, content }) => ({ path, content: path.endsWith(PICKLE) ? copy : content }))),
  );
});

test('the older format of PyTorch', async () => {
  await expectRefusals(fixture('legacy-nested.pth'), 4000);
});

test('a module that was pickled whole', async () => {
  await expectRefusals(fixture('legacy-module.pth'), 3000);
});

test('numpy arrays in a pickle', async () => {
  const bytes = fixture('numpy4.pkl');
  await expectRefusals(bytes, bytes.length);
});
