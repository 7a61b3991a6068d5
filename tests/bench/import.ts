// How fast a zip of 10,000 small images is imported by the real data worker (checked, hashed, stored), and how much memory its
// workers take meanwhile. Run: npx vitest run --config tests/bench/import.config.ts
import { expect, test } from 'vitest';
import { zipSync } from 'fflate';
import { mulberry32 } from '$lib/core/random';
import { connect } from '$lib/rpc/client';
import type { DataApi } from '$lib/rpc/protocol';
import { openDatabase } from '$lib/storage/database';
import { deleteProject } from '$lib/storage/projects';

const IMAGES = 10_000;
const CLASSES = 10;
const SIDES = [32, 100] as const;
/** The goal on two cores. */
const MIN_IMAGES_PER_SECOND = 400;
const MAX_WORKER_BYTES = 300e6;

interface MemoryMeasurement {
  bytes: number;
  breakdown: { bytes: number; attribution: { url: string; scope: string }[] }[];
}

/** Chromium only; the DOM types do not have it. */
const measured = performance as Performance & { measureUserAgentSpecificMemory(): Promise<MemoryMeasurement> };

async function jpeg(index: number): Promise<Uint8Array> {
  const random = mulberry32(index);
  const side = Math.round(SIDES[0] + random() * (SIDES[1] - SIDES[0]));
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  for (let i = 0; i < 40; i++) {
    context.fillStyle = `hsl(${random() * 360} 60% ${10 + random() * 80}%)`;
    context.fillRect(random() * side, random() * side, (random() * side) / 3, (random() * side) / 3);
  }
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
  return new Uint8Array(await blob.arrayBuffer());
}

async function zip(): Promise<File> {
  const entries: Record<string, Uint8Array> = {};
  for (let i = 0; i < IMAGES; i++) entries[`set/class-${i % CLASSES}/${i}.jpg`] = await jpeg(i);
  // As zip tools do with photos: packed, to hardly any effect.
  return new File([zipSync(entries, { level: 1 })], 'set.zip');
}

/** The most that the workers held at any of the measurements, each of which waits for a collection of garbage. */
function watchWorkers(): () => Promise<{ workerBytes: number; samples: number }> {
  let stopped = false;
  let workerBytes = 0;
  let samples = 0;
  const loop = async () => {
    while (!stopped) {
      const { breakdown } = await measured.measureUserAgentSpecificMemory();
      if (stopped) return;
      samples++;
      const workers = breakdown.filter(({ attribution }) => attribution.some(({ scope }) => scope.includes('Worker')));
      workerBytes = Math.max(
        workerBytes,
        workers.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    }
  };
  const running = loop();
  return async () => {
    stopped = true;
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 1000))]);
    return { workerBytes, samples };
  };
}

test('a zip of 10,000 small images', async () => {
  const file = await zip();
  const { api, terminate } = connect<DataApi>({
    title: 'The data worker',
    start: () => new Worker(new URL('../../workers/data.ts', import.meta.url), { type: 'module' }),
  });
  const stop = watchWorkers();
  const rates: number[] = [];
  const summary = await api.import(
    {
      taskId: 'bench',
      projectId: null,
      projectName: 'Bench',
      source: { kind: 'files', name: 'set.zip', files: [{ path: 'set.zip', file }] },
      split: { source: 'fractions', val: 0.1, test: 0.1, stratified: true, seed: 1 },
    },
    (event) => {
      if (event.type === 'progress') rates.push(event.perSecond);
    },
  );
  const { workerBytes, samples } = await stop();
  const perSecond = IMAGES / summary.seconds;
  console.log(
    `${IMAGES} images, ${(file.size / 1e6).toFixed(1)} MB: ${summary.seconds.toFixed(1)} s, ${Math.round(perSecond)} images/s; ` +
      `workers at most ${(workerBytes / 1e6).toFixed(0)} MB in ${samples} samples; ${navigator.hardwareConcurrency} cores`,
  );
  const database = await openDatabase();
  await deleteProject(database, summary.projectId);
  database.close();
  terminate();
  expect(summary.images).toBe(IMAGES);
  expect(perSecond).toBeGreaterThan(MIN_IMAGES_PER_SECOND);
  expect(workerBytes).toBeLessThan(MAX_WORKER_BYTES);
});
