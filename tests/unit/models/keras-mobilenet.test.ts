// MobileNetV1 with Keras's published ImageNet weights: the numbers of a real file must recognise real photographs. The data are
// not part of the project; Chromium decodes the JPEGs.

import { existsSync, openAsBlob, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readSource } from '$lib/data/read-source';
import type { Engine } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { withNormalization } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import { loadWeights } from '$lib/interchange/weights/load';
import { openWeights } from '$lib/interchange/weights/open';
import { buildModel } from '$lib/models/build';
import { getWeightsMapping } from '$lib/models/weights';
import { nodeEngine } from '../../contract/node-engine';
import { openBrowser } from '../../e2e/harness';

const DATA = process.env.TRAINYARD_DATA ?? resolve('../shared/data');
const WEIGHTS = join(DATA, 'weights', 'tfjs_mobilenet_v1_0.25_224');
const FLOWERS = join(DATA, 'classification', 'flowers5.zip');
const missing = !existsSync(WEIGHTS) || !existsSync(FLOWERS);
if (missing) console.warn(`Skipped: no Keras weights or photographs in ${DATA}; set TRAINYARD_DATA to their folder.`);

/** ImageNet's class "daisy". */
const DAISY = 985;
const SIZE = 224;
const COUNT = 80;

interface Manifest {
  weightsManifest: { paths: string[]; weights: { name: string; shape: number[] }[] }[];
}

/** Variables by name, straight from the shards: each group's are laid end to end. */
function readVariables(): Map<string, Float32Array> {
  const manifest = JSON.parse(readFileSync(join(WEIGHTS, 'model.json'), 'utf8')) as Manifest;
  const variables = new Map<string, Float32Array>();
  for (const { paths, weights } of manifest.weightsManifest) {
    const bytes = Uint8Array.from(Buffer.concat(paths.map((path) => readFileSync(join(WEIGHTS, path)))));
    let offset = 0;
    for (const { name, shape } of weights) {
      const length = shape.reduce((product, size) => product * size, 1);
      variables.set(name, new Float32Array(bytes.buffer, offset, length));
      offset += 4 * length;
    }
    expect(offset).toBe(bytes.length);
  }
  return variables;
}

/** RGB bytes of JPEGs of SIZE x SIZE, end to end. */
async function decode(images: readonly Uint8Array[]): Promise<Uint8Array> {
  const { context, close } = await openBrowser();
  try {
    const page = await context.newPage();
    const pixels = new Uint8Array(images.length * SIZE * SIZE * 3);
    for (const [index, bytes] of images.entries()) {
      const rgba = await page.evaluate(
        async ([base64, size]) => {
          const blob = await (await fetch(`data:image/jpeg;base64,${base64}`)).blob();
          const canvas = new OffscreenCanvas(size, size).getContext('2d');
          canvas?.drawImage(await createImageBitmap(blob), 0, 0);
          const { data } = canvas?.getImageData(0, 0, size, size) ?? { data: new Uint8ClampedArray() };
          return Array.from({ length: Math.ceil(data.length / 16384) }, (_, part) =>
            String.fromCharCode(...data.subarray(part * 16384, (part + 1) * 16384)),
          ).join('');
        },
        [Buffer.from(bytes).toString('base64'), SIZE] as const,
      );
      const start = index * SIZE * SIZE * 3;
      for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
        for (let c = 0; c < 3; c++) pixels[start + pixel * 3 + c] = rgba.charCodeAt(pixel * 4 + c);
      }
    }
    return pixels;
  } finally {
    await close();
  }
}

async function readDaisies(): Promise<Uint8Array[]> {
  // Only its name and bytes are used of a File, and Node's openAsBlob reads lazily.
  const file = (await openAsBlob(FLOWERS)) as File;
  const { entries } = await readSource({
    kind: 'files',
    name: 'flowers5.zip',
    files: [{ path: 'flowers5.zip', file }],
  });
  const daisies = entries.filter(({ folderSplit, labels }) => folderSplit === 'val' && labels.includes('daisy'));
  daisies.sort((a, b) => (a.path < b.path ? -1 : 1));
  return Promise.all(daisies.slice(0, COUNT).map(async (entry) => (await entry.load()).bytes));
}

describe.skipIf(missing)('MobileNetV1 0.25 with ImageNet weights of Keras', () => {
  let engine: Engine;
  let graph: Graph;
  let parameters: ParameterValues;

  beforeAll(async () => {
    engine = await nodeEngine('wasm');
    const variables = readVariables();
    const mapping = await getWeightsMapping('mobilenetv1_025');
    const model = await buildModel('mobilenetv1_025', { config: {}, imageSize: [SIZE, SIZE], classes: 1000 });
    const used = new Set<string>();
    parameters = new Map(
      model.parameters.map(({ name, shape }) => {
        const variable = mapping?.keras?.(name) ?? '';
        const values = variables.get(variable);
        expect(values, `${name} as ${variable}`).toHaveLength(shape.reduce((product, size) => product * size, 1));
        used.add(variable);
        return [name, values ?? new Float32Array()];
      }),
    );
    expect([...variables.keys()].filter((name) => !used.has(name))).toEqual([]);
    const input = mapping?.kerasInput;
    graph = withNormalization(model, input?.mean ?? [0, 0, 0], input?.std ?? [1, 1, 1]);
  });

  test('names daisies daisies, as often as the weights were measured to', { timeout: 120_000 }, async () => {
    const predictor = engine.predictor(graph, parameters);
    const images = await decode(await readDaisies());
    let hits = 0;
    for (let index = 0; index < COUNT; index++) {
      const image = images.subarray(index * SIZE * SIZE * 3, (index + 1) * SIZE * SIZE * 3);
      const targets = { values: new Float32Array(), shape: [0] };
      const { output } = await predictor.predict({ images: image, shape: [1, SIZE, SIZE, 3], targets });
      if (output.indexOf(Math.max(...output)) === DAISY) hits++;
    }
    predictor.dispose();
    // Another implementation has 82.5% on these. One image is left to decoders, which differ by a grey level here and there.
    expect(Math.abs(hits - 0.825 * COUNT)).toBeLessThanOrEqual(1);
  });

  test('the loader brings every variable into its place, the classifier’s too', async () => {
    const files = readdirSync(WEIGHTS).map((path) => ({ path, blob: new Blob([readFileSync(join(WEIGHTS, path))]) }));
    const file = await openWeights(files, 'mobilenet');
    const model = await buildModel('mobilenetv1_025', { config: {}, imageSize: [SIZE, SIZE], classes: 1000 });
    const mapping = await getWeightsMapping('mobilenetv1_025');
    const { parameters: loaded, report } = await loadWeights(model, file, initializeParameters(model, 1), {
      source: 'mobilenet',
      mapping,
    });
    expect(report).toMatchObject({ missing: [], mismatched: [], unused: [], backbone: { loaded: 135, total: 135 } });
    expect([...loaded.keys()].sort()).toEqual([...parameters.keys()].sort());
    for (const [name, values] of parameters) expect(loaded.get(name), name).toEqual(values);
  });
});
