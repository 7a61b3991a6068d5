// Images per second of the pipeline with real workers and the real database: import checks, the first epoch (decoding), a later
// one (from the cache), for 32 x 32 and 224 x 224, by number of threads.
// Run: npx vitest run --config tests/bench/pipeline.config.ts
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mulberry32 } from '$lib/core/random';
import type { AugmentSettings } from '$lib/pipeline/augment-plan';
import { createLoader } from '$lib/pipeline/loader';
import { createPool, type DecodePool } from '$lib/pipeline/pool';
import type { PixelPreprocess } from '$lib/pipeline/preprocess';
import { deleteOrphanBlobs, putBlobs } from '$lib/storage/blobs';
import { openDatabase, type Database } from '$lib/storage/database';
import { spawnDecodeWorker } from '$workers/spawn-decode';

const SMALL = { count: 4000, width: 32, height: 32, type: 'image/png' };
const PHOTOS = { count: 300, width: 500, height: 375, type: 'image/jpeg' };
type Kind = typeof SMALL;

const OFF: AugmentSettings = {
  horizontal_flip: 0.5,
  vertical_flip: 0,
  shift: 4,
  rotation: 0,
  random_resized_crop: { enabled: false, scale: [0.5, 1], ratio: [0.75, 1.33] },
  color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
};
const STRONG: AugmentSettings = {
  ...OFF,
  shift: 0,
  rotation: 10,
  random_resized_crop: { ...OFF.random_resized_crop, enabled: true },
  color_jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.05 },
};

/** Shapes and noise: compresses about as a photograph does. */
async function draw({ width, height, type }: Kind, seed: number): Promise<Blob> {
  const random = mulberry32(seed);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  for (let i = 0; i < 60; i++) {
    context.fillStyle = `hsl(${random() * 360} 60% ${random() * 80 + 10}%)`;
    context.fillRect(random() * width, random() * height, (random() * width) / 3, (random() * height) / 3);
  }
  return canvas.convertToBlob({ type, quality: 0.9 });
}

const names = (kind: Kind) => Array.from({ length: kind.count }, (_, i) => ({ blob: `bench-${kind.width}-${i}` }));
const files = new Map<Kind, Blob[]>();
let database: Database;

beforeAll(async () => {
  database = await openDatabase();
  for (const kind of [SMALL, PHOTOS]) {
    const drawn: Blob[] = [];
    for (let i = 0; i < kind.count; i++) drawn.push(await draw(kind, i));
    files.set(kind, drawn);
    const records = drawn.map(async (blob, i) => ({
      hash: names(kind)[i].blob,
      mime: blob.type,
      bytes: new Uint8Array(await blob.arrayBuffer()),
    }));
    await putBlobs(database, await Promise.all(records));
  }
}, 600_000);
afterAll(async () => {
  await deleteOrphanBlobs(
    database,
    [SMALL, PHOTOS].flatMap(names).map(({ blob }) => blob),
  );
  database.close();
});

async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round((count / (performance.now() - start)) * 1000);
}

async function inspectRate(pool: DecodePool, kind: Kind): Promise<number> {
  return rate(kind.count, async () => {
    const results = await pool.inspect(files.get(kind) ?? []);
    expect(results.every(({ ok }) => ok)).toBe(true);
  });
}

async function epochRates(pool: DecodePool, kind: Kind, augment: AugmentSettings, side: number): Promise<number[]> {
  const preprocess: PixelPreprocess = { imageSize: [side, side], resize: 'crop', interpolation: 'bilinear' };
  const options = { pool, items: names(kind), preprocess, augment, seed: 1, batchSize: side > 100 ? 32 : 64 };
  const loader = await createLoader(options);
  const rates: number[] = [];
  for (const epoch of [0, 1])
    rates.push(
      await rate(kind.count, async () => {
        let images = 0;
        for await (const batch of loader.epoch(epoch)) images += batch.indices.length;
        expect(images).toBe(kind.count);
      }),
    );
  await loader.dispose();
  return rates;
}

test('images per second', async () => {
  const lines: string[] = [`${navigator.hardwareConcurrency} cores`];
  for (const threads of [1, 2, 3]) {
    const pool = createPool({ spawn: spawnDecodeWorker, threads });
    // Starting and compiling the workers is not measured.
    await pool.inspect((files.get(SMALL) ?? []).slice(0, 64 * threads));
    const small = await epochRates(pool, SMALL, OFF, 32);
    const photos = await epochRates(pool, PHOTOS, OFF, 224);
    const strong = await epochRates(pool, PHOTOS, STRONG, 224);
    lines.push(
      `${threads} thread(s)`,
      `  inspect      32 x 32 PNG   ${await inspectRate(pool, SMALL)}`,
      `  inspect    500 x 375 JPEG  ${await inspectRate(pool, PHOTOS)} (with thumbnails)`,
      `  32 x 32, flip and shift              first epoch ${small[0]}, later ${small[1]}`,
      `  224 x 224, flip and shift            first epoch ${photos[0]}, later ${photos[1]}`,
      `  224 x 224, crop, rotation and jitter first epoch ${strong[0]}, later ${strong[1]}`,
    );
    pool.dispose();
  }
  console.log(lines.join('\n'));
});
