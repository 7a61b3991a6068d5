// The real data sets, read from disk: what a person would drop on the first day. Not part of the project; skipped without them.

import { openAsBlob } from 'node:fs';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readImageHeader } from '$lib/data/image-header';
import type { SourceReading } from '$lib/data/read-source';
import { readSource } from '$lib/data/read-source';
import { makeSplit } from '$lib/data/split';

const FOLDER = join(process.env.TRAINYARD_DATA ?? resolve('../shared/data'), 'classification');
const missing = !existsSync(FOLDER);
if (missing) console.warn(`Skipped: no real data sets in ${FOLDER}; set TRAINYARD_DATA to their folder.`);

async function open(...names: readonly string[]): Promise<SourceReading> {
  const files = await Promise.all(
    // Only its name and bytes are used of a File, and Node's openAsBlob reads lazily.
    names.map(async (name) => ({
      path: name.slice(name.lastIndexOf('/') + 1),
      file: (await openAsBlob(join(FOLDER, name))) as File,
    })),
  );
  return readSource({ kind: 'files', name: names[0], files });
}

function counts({ entries }: SourceReading): Record<string, number> {
  const byPlace: Record<string, number> = {};
  for (const { labels, folderSplit = 'none' } of entries) {
    const key = `${folderSplit}/${labels.join()}`;
    byPlace[key] = (byPlace[key] ?? 0) + 1;
  }
  return byPlace;
}

test.skipIf(missing)(
  'flowers: train and val folders of five classes, every header readable',
  { timeout: 120_000 },
  async () => {
    const reading = await open('flowers5.zip');
    const total = (split: string) => reading.entries.filter(({ folderSplit }) => folderSplit === split).length;
    expect([total('train'), total('val')]).toEqual([2569, 550]);
    expect(new Set(reading.entries.flatMap(({ labels }) => labels))).toEqual(
      new Set(['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']),
    );
    expect(reading.problems).toMatchObject([{ kind: 'skipped', path: 'SOURCE.txt' }]);
    for (const entry of reading.entries) {
      const { bytes } = await entry.load();
      expect(readImageHeader(bytes), entry.path).toMatchObject({
        ok: true,
        header: { type: 'jpeg', width: 224, height: 224 },
      });
    }
  },
);

test.skipIf(missing)('CIFAR-10 subset: 5,000 train and 3,000 test images of ten classes', async () => {
  const reading = await open('cifar10_subset.zip');
  const byPlace = counts(reading);
  expect(Object.keys(byPlace)).toHaveLength(20);
  expect(byPlace['train/cat']).toBe(500);
  expect(byPlace['test/cat']).toBe(300);
  const { bytes } = await reading.entries[0].load();
  expect(readImageHeader(bytes)).toMatchObject({ ok: true, header: { width: 32, height: 32 } });
});

test.skipIf(missing)('MNIST: 10,000 digits, split into 8,000 and 2,000', async () => {
  const reading = await open('mnist_t10k_idx/t10k-images-idx3-ubyte.gz', 'mnist_t10k_idx/t10k-labels-idx1-ubyte.gz');
  expect(reading.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  // The counts of the test set's digits as its authors publish them.
  const byDigit = counts(reading);
  expect((reading.classes ?? []).map((digit) => byDigit[`none/${digit}`])).toEqual([
    980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
  ]);
  const items = reading.entries.map(({ path, labels }) => ({
    path,
    blob: path,
    annotation: { kind: 'class', class: Number(labels[0]) } as const,
  }));
  const { counts: split } = makeSplit(items, { source: 'fractions', val: 0, test: 0.2, stratified: true, seed: 0 });
  expect(split).toEqual({ train: 8000, val: 0, test: 2000 });
  const { bytes, measured } = await reading.entries[0].load();
  expect(reading.entries[0].labels).toEqual(['7']);
  expect(readImageHeader(bytes)).toMatchObject({ ok: true, header: { type: 'png', width: 28, height: 28 } });
  expect(measured?.moments[0]).toBeGreaterThan(0.02);
});
