// The pages in a bundle's examples, opened as their comments say: the unpacked bundle, the packages beside it, a static server.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import JSZip from 'jszip';
import * as onnxRuntime from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng } from '$lib/data/png';
import { readBytes } from '$lib/interchange/bytes';
import { exportModel } from '$lib/interchange/export';
import { onnxRunner } from '$lib/interchange/verify/onnx-runtime';
import type { LoadedModel } from '$lib/interchange/verify/runner';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import { applyPreprocess } from '$lib/pipeline/preprocess';
import { startServer } from '../../scripts/server.mjs';
import { nodeEngine } from '../unit/interchange/support/engine';
import { randomImages } from '../unit/interchange/support/models';
import { trainedTiny } from '../unit/interchange/support/trained';
import { openBrowser, type Browser } from './harness';

const model = trainedTiny();
const folder = mkdtempSync(join(tmpdir(), 'trainyard-bundle-'));
let browser: Browser;
let server: Awaited<ReturnType<typeof startServer>>;
let onnx: LoadedModel;

beforeAll(async () => {
  const images = { images: randomImages([4, 24, 32, 3]), shape: [4, 24, 32, 3] as const };
  const runners = { engine: await nodeEngine('wasm'), onnx: onnxRunner(onnxRuntime), tfjs: tfjsRunner };
  const { bundle, files } = await exportModel({ model, formats: ['onnx', 'tfjs'], bundle: true, images, runners });
  if (bundle === null) throw new Error('The export made no bundle.');
  const zip = await JSZip.loadAsync(await readBytes(bundle));
  for (const [path, entry] of Object.entries(zip.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), await entry.async('uint8array'));
  }
  // What "npm install" would put there.
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  onnx = await runners.onnx(files.slice(0, 1));
  server = await startServer({ root: folder, isolated: false });
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A picture of another size and shape than the net's input. */
const picture = {
  width: 50,
  height: 70,
  channels: 3 as const,
  data: Uint8Array.from(randomImages([1, 70, 50, 3]), (value, at) =>
    Math.floor(256 * value * (at % 3 === 1 ? 0.4 : 1)),
  ),
};

async function expected(): Promise<number[]> {
  const { data } = applyPreprocess(picture, model.preprocess);
  const outputs = await onnx.run(
    Float32Array.from(data, (byte) => byte / 255),
    [1, 24, 32, 3],
  );
  return Array.from(outputs.get('probabilities') ?? []);
}

test.each(['predict_onnx.html', 'predict_tfjs.html'])('%s answers as the exported model does', async (name) => {
  const page = await browser.context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${server.url}examples/${name}`.replace(/([^:])\/\/examples/, '$1/examples'));
  await page.setInputFiles('input:enabled', {
    name: 'photo.png',
    mimeType: 'image/png',
    buffer: Buffer.from(encodePng(picture)),
  });
  const result = page.locator('#result', { hasText: 'all_predictions' });
  const answer: { predicted_class: string; all_predictions: Record<string, number> } = JSON.parse(
    (await result.textContent()) ?? '',
  );
  expect(problems).toEqual([]);
  const scores = await expected();
  expect(Object.keys(answer.all_predictions)).toEqual(model.classes);
  for (const [index, label] of model.classes.entries()) {
    // Float32 in two runtimes; the pixels are the same to the last bit.
    expect(answer.all_predictions[label]).toBeCloseTo(scores[index], 5);
  }
  expect(answer.predicted_class).toBe(model.classes[scores.indexOf(Math.max(...scores))]);
  await page.close();
});
