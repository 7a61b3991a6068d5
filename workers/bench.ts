// Benchmark worker, for `trainyard bench`. Wiring, and the images that it measures with.

import { zipSync } from 'fflate';
import { stream } from '$lib/core/random';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { createPool } from '$lib/pipeline/pool';
import type { BenchApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';
import { timePipeline, timeSteps } from '$lib/training/bench';
import { spawnDecodeWorker } from './spawn-decode';

/** A gradient with noise, which JPEG compresses about as well as a photograph; `index` makes it unlike all others. */
async function makeJpeg(index: number, size: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser draws nothing in workers.');
  const image = context.createImageData(size, size);
  const random = stream(index, 'bench-image');
  const base = [random() * 200, random() * 200, random() * 200];
  for (let pixel = 0; pixel < size * size; pixel++) {
    const slope = ((pixel % size) + Math.floor(pixel / size)) / (2 * size);
    for (let channel = 0; channel < 3; channel++) {
      image.data[pixel * 4 + channel] = base[channel] + slope * 40 + random() * 16;
    }
    image.data[pixel * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
}

const api: BenchApi = {
  async steps({ device, ...request }) {
    const engine = await createBrowserEngine(device);
    return { device: engine.device, ...(await timeSteps(engine, request)) };
  },
  async pipeline({ images, sourceSize, imageSize, policy }) {
    const files = await Promise.all(Array.from({ length: images }, (_, index) => makeJpeg(index, sourceSize)));
    const readBlobs = (keys: readonly string[]) => Promise.resolve(keys.map((key) => files[Number(key)]));
    const pool = createPool({ spawn: spawnDecodeWorker, readBlobs });
    try {
      return await timePipeline(pool, [...files.keys()].map(String), imageSize, policy);
    } finally {
      pool.dispose();
    }
  },
  async archive({ images, size, classes }) {
    const entries: Record<string, Uint8Array> = {};
    for (let index = 0; index < images; index++) {
      const bytes = await (await makeJpeg(index, size)).arrayBuffer();
      entries[`class-${index % classes}/${index}.jpg`] = new Uint8Array(bytes);
    }
    return new Blob([zipSync(entries, { level: 0 })]);
  },
};

serve(api);
