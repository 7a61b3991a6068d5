// MNIST's IDX files: images and labels in pairs, plain or gzip. Each image becomes a PNG file in the data set.

import { gunzipSync } from 'fflate';
import { TrainyardError } from '$lib/core/errors';
import { formatCount } from '$lib/core/format';
import type { DataProblem, SplitName } from '$lib/storage/records';
import { measurePixels } from '../moments';
import type { SourceFile } from '../contract';
import { baseName, readBytes } from '../files';
import { encodePng } from '../png';
import type { Format, ImageEntry, Reading } from './format';

const UNSIGNED_BYTE = 0x08;
/** MNIST's 60,000 images take 47 MB; they are held while they are read. */
const MAX_BYTES = 1e9;

export const idx: Format = {
  id: 'idx',
  title: 'IDX (MNIST)',
  detect: (files) => Promise.resolve(files.some(({ path }) => part(path) !== null)),
  read,
};

interface Pair {
  images?: SourceFile;
  labels?: SourceFile;
}

/** Which half of a pair a file is, with the name they share: 'train-images-idx3-ubyte.gz' is images of 'train'. */
function part(path: string): { half: 'images' | 'labels'; key: string } | null {
  const name = baseName(path).toLowerCase().replace(/\.gz$/, '');
  if (!/idx\d?|ubyte/.test(name)) return null;
  const half = /images?/.test(name) ? 'images' : /labels?/.test(name) ? 'labels' : null;
  if (half === null) return null;
  const folder = path.slice(0, path.length - baseName(path).length);
  const key = name.replace(/images?|labels?|idx\d?|ubyte/g, '').replace(/[-_. ]+/g, ' ');
  return { half, key: folder + key.trim() };
}

async function read(files: readonly SourceFile[]): Promise<Reading> {
  const problems: DataProblem[] = [];
  const pairs = new Map<string, Pair>();
  for (const file of files) {
    const found = part(file.path);
    if (found === null) {
      problems.push({ kind: 'skipped', path: file.path, reason: 'it is not one of the IDX files' });
      continue;
    }
    const pair = pairs.get(found.key) ?? {};
    pair[found.half] = file;
    pairs.set(found.key, pair);
  }
  const entries: ImageEntry[] = [];
  const labelled = new Set<number>();
  for (const [key, { images, labels }] of pairs) {
    if (images === undefined || labels === undefined) throw unpaired(images ?? labels, images === undefined);
    const split = pairs.size > 1 ? splitOf(key) : null;
    const pixels = await readIdx(images, [3, 4]);
    const values = await readIdx(labels, [1]);
    if (pixels.shape[0] !== values.shape[0]) throw countsDiffer(images, labels, pixels.shape[0], values.shape[0]);
    for (const value of values.data) labelled.add(value);
    entries.push(...listImages(images, pixels, values.data, pairs.size > 1 ? (split ?? key) : '', split));
  }
  // As numbers, and only those that occur: a part of MNIST must not have classes that nothing can be learnt of.
  return { entries, classes: [...labelled].sort((a, b) => a - b).map(String), problems };
}

function splitOf(key: string): SplitName | null {
  if (/val/.test(key)) return 'val';
  if (/t10k|test/.test(key)) return 'test';
  return /train/.test(key) ? 'train' : null;
}

interface IdxArray {
  shape: readonly number[];
  data: Uint8Array;
}

function* listImages(
  file: SourceFile,
  pixels: IdxArray,
  labels: Uint8Array,
  folder: string,
  split: SplitName | null,
): Generator<ImageEntry> {
  const [count, height, width, channels = 1] = pixels.shape;
  if (channels !== 1 && channels !== 3) {
    throw bad(file, `its images have ${channels} values a pixel where 1 (grey) or 3 (RGB) are known`);
  }
  const bytes = height * width * channels;
  for (let i = 0; i < count; i++) {
    const data = pixels.data.subarray(i * bytes, (i + 1) * bytes);
    const label = String(labels[i]);
    const name = `${label}/${String(i).padStart(5, '0')}.png`;
    yield {
      path: folder === '' ? name : `${folder}/${name}`,
      labels: [label],
      ...(split === null ? {} : { folderSplit: split }),
      load: () => {
        const image = { width, height, channels, data } as const;
        return Promise.resolve({ bytes: encodePng(image), measured: measurePixels(image) });
      },
    };
  }
}

async function readIdx(file: SourceFile, dimensions: readonly number[]): Promise<IdxArray> {
  if (file.size > MAX_BYTES) throw bad(file, `it has ${formatCount(file.size)} bytes`);
  const bytes = unzip(file, await readBytes(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) throw bad(file, 'it does not begin like an IDX file');
  if (bytes[2] !== UNSIGNED_BYTE)
    throw bad(file, `its numbers are of type 0x${bytes[2].toString(16)}; only bytes (0x08) are read`);
  const rank = bytes[3];
  if (!dimensions.includes(rank))
    throw bad(file, `it has ${rank} dimensions where ${dimensions.join(' or ')} are expected`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw bad(file, 'it ends inside its header (truncated)');
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const needed = start + shape.reduce((product, size) => product * size, 1);
  if (bytes.length < needed) {
    const found = `it ends after ${formatCount(bytes.length)} of ${formatCount(needed)} bytes (truncated)`;
    throw bad(file, found);
  }
  return { shape, data: bytes.subarray(start, needed) };
}

function unzip(file: SourceFile, bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  // Gzip ends with its unpacked size, which is given to the unpacker as the limit of what it may fill.
  const size = bytes.length < 18 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  if (size > MAX_BYTES) throw bad(file, `it would unpack to ${formatCount(size)} bytes`);
  try {
    return gunzipSync(bytes, { out: new Uint8Array(size) });
  } catch (error) {
    throw bad(file, `it cannot be unpacked (${error instanceof Error ? error.message : String(error)})`);
  }
}

function bad(file: SourceFile, found: string): TrainyardError {
  return new TrainyardError(
    'idx-broken',
    `${file.path} cannot be read as IDX: ${found}.`,
    'Download the file again; it must be an MNIST-like file of bytes, plain or gzip.',
  );
}

function unpaired(file: SourceFile | undefined, noImages: boolean): TrainyardError {
  const [has, lacks] = noImages ? ['labels', 'images'] : ['images', 'labels'];
  return new TrainyardError(
    'idx-pair',
    `${file?.path ?? 'An IDX file'} holds ${has}, but the file with its ${lacks} is missing.`,
    `Drop both together: names differ only in "${has}" and "${lacks}", as in train-${has}-idx${noImages ? 1 : 3}-ubyte.gz.`,
  );
}

function countsDiffer(images: SourceFile, labels: SourceFile, imageCount: number, labelCount: number): TrainyardError {
  return new TrainyardError(
    'idx-pair',
    `${images.path} holds ${formatCount(imageCount)} images and ${labels.path} ${formatCount(labelCount)} labels.`,
    'Use the two files of the same set.',
  );
}
