// The first whole path: from the empty page to a bundle whose files work in other programs and agree with the page.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { unzipSync, unzlibSync } from 'fflate';
import * as ort from 'onnxruntime-node';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SAMPLE_DEFAULTS, sampleEntries } from '$lib/data/sample';
import { openSite, type Site } from './harness';
import { recordMainThread } from './support/main-thread';

/** The goal on two cores of their own. Only printed: a test cannot know who else uses the machine. */
const GOAL_SECONDS = 60;
const GOAL_TASK_MS = 50;
const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** What `examples/preprocess.mjs` of a bundle exports. */
interface Preprocess {
  WIDTH: number;
  HEIGHT: number;
  toInputSize(image: Picture): Picture;
  toNumbers(image: Picture): Float32Array;
  channelsFirst(values: Float32Array): Float32Array;
}

interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

interface Prediction {
  image: string;
  predicted_class: string;
  confidence: number;
  all_predictions: Record<string, number>;
}

let site: Site;
let work: string;

beforeAll(async () => {
  site = await openSite();
  work = await mkdtemp(join(tmpdir(), 'trainyard-sample-'));
}, 180_000);

afterAll(async () => {
  await site.close();
  await rm(work, { recursive: true, force: true });
});

/** With UPDATE_SCREENSHOTS=1 the pictures of the documentation are made anew. */
async function picture(page: Page, name: string): Promise<void> {
  if (process.env.UPDATE_SCREENSHOTS !== '1') return;
  await mkdir(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled' });
}

/** Pixels of a PNG as the sample writes them: 8-bit RGB, rows without filter. */
function decodePng(bytes: Uint8Array): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const rows = unzlibSync(bytes.subarray(41, 41 + view.getUint32(33)));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = y * (width * 3 + 1);
    expect(rows[start]).toBe(0);
    data.set(rows.subarray(start + 1, start + 1 + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** Shapes that are not in the sample: another seed. */
async function newShapes(count: number) {
  const { entries } = sampleEntries({ ...SAMPLE_DEFAULTS, seed: 4711, images: count });
  return Promise.all(
    entries.map(async ({ path, labels: [label], load }) => {
      const { bytes } = await load();
      const file = join(work, `${label}-${path.replaceAll(/\W/g, '-')}.png`);
      await writeFile(file, bytes);
      return { file, label, bytes };
    }),
  );
}

test('three clicks lead from the empty page to a verified bundle that agrees with the page', async () => {
  const page = await site.context.newPage();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  // Of all of the context: workers and the service worker ask too.
  const elsewhere: string[] = [];
  site.context.on('request', (request) => {
    if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) elsewhere.push(request.url());
  });
  let clicks = 0;
  const click = async (role: 'button' | 'link', name: string) => {
    clicks++;
    await page.getByRole(role, { name, exact: true }).first().click();
  };

  await page.goto(site.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  const started = performance.now();
  await click('button', 'Try a sample');
  await page.getByText('Running', { exact: true }).waitFor({ timeout: 120_000 });
  const endRecording = await recordMainThread(site.context, page);
  await page.getByText('Test accuracy', { exact: true }).waitFor({ timeout: 240_000 });
  const seconds = (performance.now() - started) / 1000;
  const { cpu, wall, tasks } = await endRecording();
  const result = (await page.getByText('Test accuracy', { exact: true }).locator('xpath=..').innerText()).split('\n');
  const accuracy = Number(/([\d.]+) %/.exec(result.join(' '))?.[1]) / 100;
  console.log(
    `sample: ${seconds.toFixed(1)} s from the click to the result (goal ${GOAL_SECONDS}), accuracy ${accuracy}`,
  );
  console.log(
    `main thread while training: ${tasks} tasks; longest ${wall[0].toFixed(1)} ms on the clock, ` +
      `${cpu[0].toFixed(1)} ms on the processor (goal ${GOAL_TASK_MS})`,
  );
  expect(accuracy).toBeGreaterThan(0.9);
  expect(tasks).toBeGreaterThan(100);
  // Processor time: with more programs than cores any task can take long on the clock. One is let pass, as code that runs for the
  // first time is compiled meanwhile: 44 ms were seen once, 11 ms otherwise.
  expect(cpu.filter((ms) => ms >= GOAL_TASK_MS).length).toBeLessThanOrEqual(1);
  await picture(page, 'run');

  await click('link', 'Export');
  const download = page.waitForEvent('download', { timeout: 120_000 });
  await click('button', 'Download bundle');
  const path = join(work, 'bundle.zip');
  await (await download).saveAs(path);
  expect(clicks).toBeLessThanOrEqual(5);
  expect(await page.getByText('Verified', { exact: true }).count()).toBe(4);
  await picture(page, 'export');

  // The page's own answers about images that it has never seen.
  const shapes = await newShapes(12);
  await page.getByRole('navigation').getByRole('link', { name: 'Predict', exact: true }).click();
  await page.locator('input[type=file][accept="image/*"]').setInputFiles(shapes.map(({ file }) => file));
  await expect.poll(() => page.getByRole('article').filter({ hasText: '%' }).count()).toBe(shapes.length);
  await page.getByRole('button', { name: 'Show JSON' }).click();
  const text = await page.getByRole('region', { name: 'Results as JSON' }).innerText();
  const answers = JSON.parse(text) as Prediction[];
  await page.getByRole('button', { name: 'Hide JSON' }).click();
  expect(answers).toHaveLength(shapes.length);
  const right = answers.filter(({ image, predicted_class }) => image.startsWith(predicted_class)).length;
  // As good as on the test images, less what twelve throws of that coin may miss.
  expect(right).toBeGreaterThanOrEqual(9);

  // Unpacked, and used as its own example code says.
  const files = unzipSync(await readFile(path));
  const folder = join(work, 'bundle');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const labels = (await readFile(join(folder, 'labels.txt'), 'utf8')).trimEnd().split('\n');
  // Vite must leave this import alone: the file is not part of the project.
  const address = pathToFileURL(join(folder, 'examples/preprocess.mjs')).href;
  const prepare = (await import(/* @vite-ignore */ address)) as Preprocess;
  const onnx = await ort.InferenceSession.create(join(folder, 'model.onnx'));
  const graph = await tf.loadGraphModel(fromFiles(files));
  for (const { file, bytes } of shapes) {
    const answer = answers.find(({ image }) => file.endsWith(image));
    const expected = labels.map((label) => answer?.all_predictions[label] ?? NaN);
    const input = prepare.toNumbers(prepare.toInputSize(decodePng(bytes)));
    const image = new ort.Tensor('float32', prepare.channelsFirst(input), [1, 3, prepare.HEIGHT, prepare.WIDTH]);
    const { probabilities } = await onnx.run({ image });
    // Four programs' float32; the JSON has six digits.
    expectClose(Array.from(probabilities.data as Float32Array), expected);
    const output = graph.execute(tf.tensor(input, [1, prepare.HEIGHT, prepare.WIDTH, 3]), 'probabilities');
    expectClose(Array.from((Array.isArray(output) ? output[0] : output).dataSync()), expected);
  }

  // safetensors: 8 bytes of header length, JSON, raw data without gaps; the weights of the net as designed.
  const weights = files['model.safetensors'];
  const length = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  expect(header['stem.conv.weight']).toMatchObject({ dtype: 'F32', shape: [32, 3, 3, 3] });
  expect(header['classifier.weight'].shape).toEqual([labels.length, 256]);
  const learnt = tensors.filter(([name]) => !/running_|num_batches/.test(name));
  const count = learnt.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(count).toBe(141_706 - (10 - labels.length) * 257);
  expect(Math.max(...tensors.map(([, { data_offsets }]) => data_offsets[1]))).toBe(weights.length - 8 - length);

  expect(elsewhere).toEqual([]);
  expect(problems).toEqual([]);
  await page.getByRole('navigation').getByRole('link', { name: 'Evaluate', exact: true }).click();
  await page
    .getByRole('heading', { name: /confusion/i })
    .first()
    .waitFor();
  await picture(page, 'evaluate');
  // A cell of the matrix leads to its images.
  const matrix = page.getByRole('grid', { name: /^Confusion matrix/ });
  const cell = matrix.getByRole('gridcell', { name: /^circle called circle/ });
  const number = Number(await cell.innerText());
  expect(number).toBeGreaterThan(30);
  await cell.click();
  await page.getByText(`${number} shown`).waitFor();
  const images = page.getByRole('listbox').getByRole('option');
  await images.first().waitFor();
  expect(await images.first().getAttribute('aria-setsize')).toBe(String(number));
  expect(await images.first().getAttribute('aria-label')).toContain('circle');
});

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
}

/** The graph model of a bundle, without a server. */
function fromFiles(files: Readonly<Record<string, Uint8Array>>): tf.io.IOHandler {
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(
    new TextDecoder().decode(files['tfjs/model.json']),
  ) as tf.io.ModelJSON;
  const parts = weightsManifest.flatMap(({ paths }) => paths.map((path) => files[`tfjs/${path}`]));
  const joined = Buffer.concat(parts);
  const weightData = joined.buffer.slice(joined.byteOffset, joined.byteOffset + joined.length);
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  return tf.io.fromMemory({ ...rest, modelTopology, weightSpecs, weightData });
}
