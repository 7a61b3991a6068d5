// Small labelled images made from numbers, and what a person may have beside them: damaged files, IDX pairs, CSV tables.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateSync, gzipSync } from 'node:zlib';

export interface NamedFile {
  /** '/' between parts. */
  path: string;
  bytes: Uint8Array;
}

type Color = readonly [number, number, number];

/** Far apart, so that a few steps of training tell them apart. */
const COLORS: Readonly<Record<string, Color>> = {
  amber: [230, 170, 30],
  blue: [40, 60, 210],
  green: [30, 160, 60],
};

export const CLASSES = Object.keys(COLORS);

function chunk(type: string, body: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

/** An 8-bit RGB PNG. `rows` may be shorter than the header says: see {@link hugePng}. */
function pngOf(width: number, height: number, rows: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** Bytes of a noisy picture of one colour, [size, size, 3]; another `index`, another picture. */
export function pixels(color: string, index: number, size = 24): Uint8Array {
  const base = COLORS[color] ?? [128, 128, 128];
  const noise = noiseFrom(index * 7919 + color.length);
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    return Math.max(0, Math.min(255, base[i % 3] + (noise() - 0.5) * 60));
  });
}

/** The same as a PNG file. */
export function picture(color: string, index: number, size = 24): Buffer {
  const data = pixels(color, index, size);
  const rows = Buffer.alloc((size * 3 + 1) * size);
  // Each row has its filter type (none) first.
  for (let y = 0; y < size; y++) rows.set(data.subarray(y * size * 3, (y + 1) * size * 3), y * (size * 3 + 1) + 1);
  return pngOf(size, size, rows);
}

/** 32-bit linear congruential numbers in 0..1: enough for noise, the same everywhere. */
function noiseFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `perClass` pictures in a folder for each class, under `above` ('train'). */
export function pictures(
  perClass: number,
  options: { classes?: readonly string[]; above?: string; first?: number; size?: number } = {},
): NamedFile[] {
  const { classes = CLASSES, above = '', first = 0, size } = options;
  return classes.flatMap((name) =>
    Array.from({ length: perClass }, (_, i) => ({
      path: `${above === '' ? '' : `${above}/`}${name}/${name}-${first + i}.png`,
      bytes: picture(name, first + i, size),
    })),
  );
}

/** A true header that promises 20,000 x 20,000 pixels, which would take 1.6 GB decoded. */
export function hugePng(): Buffer {
  return pngOf(20_000, 20_000, Buffer.alloc(1000));
}

/** A photograph that ends in the middle. */
export function truncatedJpeg(): Buffer {
  const whole = readFileSync(new URL('../../fixtures/images/baseline.jpg', import.meta.url));
  return whole.subarray(0, Math.floor(whole.length / 2));
}

/** MNIST's format: `count` grey pictures of 28 x 28 whose brightness tells the label, 0 or 1. */
export function idxPair(count: number): NamedFile[] {
  const images = Buffer.alloc(16 + count * 784);
  [0x0803, count, 28, 28].forEach((value, i) => images.writeUInt32BE(value, i * 4));
  const labels = Buffer.alloc(8 + count);
  [0x0801, count].forEach((value, i) => labels.writeUInt32BE(value, i * 4));
  const noise = noiseFrom(3);
  for (let n = 0; n < count; n++) {
    labels[8 + n] = n % 2;
    for (let i = 0; i < 784; i++) images[16 + n * 784 + i] = (n % 2) * 150 + noise() * 80;
  }
  return [
    { path: 'train-images-idx3-ubyte.gz', bytes: gzipSync(images) },
    { path: 'train-labels-idx1-ubyte.gz', bytes: gzipSync(labels) },
  ];
}

/** Writes the files under a new temporary folder and returns it. */
export async function writeFolder(files: readonly NamedFile[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-images-'));
  await writeInto(folder, files);
  return folder;
}

export async function writeInto(folder: string, files: readonly NamedFile[]): Promise<void> {
  for (const { path, bytes } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
}
