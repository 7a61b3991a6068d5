// Files of TensorFlow.js layers models: how they lie, what their weights are stored as, and what happens to damaged ones.
import * as tf from '@tensorflow/tfjs';
import JSZip from 'jszip';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { WeightsFile, WeightsSource } from '$lib/interchange/weights/contract';
import { openTfjsLayers } from '$lib/interchange/weights/tfjs-layers';
import { mutations } from '../support/mutate';
import { filesOf, jsonSource, saved } from './keras-models';
import type { SavedModel } from './keras-models';

let model: SavedModel;

beforeAll(async () => {
  const { layers } = tf;
  model = await saved(
    tf.sequential({
      layers: [
        layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, inputShape: [8, 8, 3], name: 'Conv1', padding: 'same' }),
        layers.batchNormalization({ name: 'bn' }),
        layers.reLU({ maxValue: 6 }),
        layers.globalAveragePooling2d({}),
        layers.dense({ units: 3, activation: 'softmax', name: 'classes' }),
      ],
    }),
  );
});

async function valuesOf(file: WeightsFile): Promise<Record<string, readonly number[]>> {
  const entries = await Promise.all(file.tensors.map(async ({ name, read }) => [name, [...(await read())]] as const));
  return Object.fromEntries(entries);
}

function expected(): Record<string, readonly number[]> {
  const values = new Float32Array(model.data.buffer);
  let at = 0;
  return Object.fromEntries(
    model.specifications.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return [name, [...values.subarray(at - size, at)]];
    }),
  );
}

const refused = (found: RegExp): unknown =>
  expect.objectContaining({ code: 'weights-unreadable', message: expect.stringMatching(found) as unknown });

describe('the files of a model are found', () => {
  test('in a folder', async () => {
    expect(await valuesOf(await openTfjsLayers(filesOf(model, 'my model/tfjs/'), 'model'))).toEqual(expected());
  });

  test('in a zip', async () => {
    const zip = new JSZip();
    for (const { path, blob } of filesOf(model, 'export/')) zip.file(path, await blob.arrayBuffer());
    const blob = new Blob([await zip.generateAsync({ type: 'arraybuffer', compression: 'DEFLATE' })]);
    const file = await openTfjsLayers([{ path: 'model.zip', blob }], 'model.zip');
    expect(await valuesOf(file)).toEqual(expected());
    expect((await file.architecture()).kind).toBe('graph');
  });

  test('loose, when folders were lost on the way', async () => {
    const [json, shard] = filesOf(model);
    const document: unknown = JSON.parse((await json.blob.text()).replace('"weights.bin"', '"weights/weights.bin"'));
    expect(await valuesOf(await openTfjsLayers([jsonSource('model.json', document), shard], 'm'))).toEqual(expected());
  });

  test('in shards that cut through tensors, and in groups', async () => {
    const [first, ...rest] = model.specifications;
    const cut = 4 * first.shape.reduce((a, b) => a * b, 1);
    const shards = [model.data.slice(0, cut), model.data.slice(cut, cut + 5), model.data.slice(cut + 5)];
    const file = await openTfjsLayers(
      [
        jsonSource('model.json', {
          modelTopology: null,
          weightsManifest: [
            { paths: ['group1-shard1of1'], weights: [first] },
            { paths: ['group2-shard1of2', 'group2-shard2of2'], weights: rest },
          ],
        }),
        ...['group1-shard1of1', 'group2-shard1of2', 'group2-shard2of2'].map((path, at) => ({ path, blob: new Blob([shards[at]]) })), // prettier-ignore
      ],
      'model',
    );
    expect(await valuesOf(file)).toEqual(expected());
    expect(await file.architecture()).toEqual({ kind: 'none' });
  });

  test('beside labels, which become the classes', async () => {
    const metadata = { packageName: '@teachablemachine/image', labels: ['a', 'b', 'c'], imageSize: 96 };
    const file = await openTfjsLayers([...filesOf(model), jsonSource('metadata.json', metadata)], 'model');
    expect(file.classes).toEqual(['a', 'b', 'c']);
    expect(file.preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], imageSize: [96, 96], resize: 'crop' });
  });
});

function stored(weights: object[], data: ArrayBufferView<ArrayBuffer>): WeightsSource[] {
  return [
    jsonSource('model.json', { modelTopology: null, weightsManifest: [{ paths: ['weights.bin'], weights }] }),
    { path: 'weights.bin', blob: new Blob([data]) },
  ];
}

describe('values are what TensorFlow.js reads', () => {
  test.each([
    ['int32', new Int32Array([-7, 0, 1_000_000]), { dtype: 'int32' }],
    ['bool', new Uint8Array([0, 1, 1]), { dtype: 'bool' }],
    ['uint8 steps', new Uint8Array([0, 128, 255]), { dtype: 'float32', quantization: { dtype: 'uint8', min: -1.5, scale: 0.0123 } }], // prettier-ignore
    ['uint16 steps', new Uint16Array([0, 4000, 65535]), { dtype: 'float32', quantization: { dtype: 'uint16', min: -2, scale: 7e-5 } }], // prettier-ignore
    ['uint8 steps of integers', new Uint8Array([0, 128, 255]), { dtype: 'int32', quantization: { dtype: 'uint8', min: 3, scale: 2 } }], // prettier-ignore
    ['halves', new Uint16Array([0x3c00, 0xc100, 0x0001]), { dtype: 'float32', quantization: { dtype: 'float16' } }],
  ] as const)('%s', async (_, data, specification) => {
    const entry = { name: 'a', shape: [3], ...specification };
    const file = await openTfjsLayers(stored([entry], data), 'model');
    const decoded = tf.io.decodeWeights(data.buffer, [entry as unknown as tf.io.WeightsManifestEntry]);
    expect([...(await file.tensors[0].read())]).toEqual([...(await decoded.a.data())].map(Math.fround));
  });

  test('the state of an optimiser is left out', async () => {
    const entry = (name: string, group?: string): object => ({ name, shape: [1], dtype: 'float32', group });
    const file = await openTfjsLayers(
      stored([entry('a'), entry('iter', 'optimizer'), entry('b')], new Float32Array([1, 2, 3])),
      'model',
    );
    expect(await valuesOf(file)).toEqual({ a: [1], b: [3] });
  });
});

describe('what cannot be read is refused in one sentence', () => {
  const entry = (changes: object = {}): object => ({ name: 'a', shape: [2], dtype: 'float32', ...changes });
  const data = new Float32Array(2);

  test.each([
    ['a missing shard', [jsonSource('model.json', { weightsManifest: [{ paths: ['x.bin'], weights: [entry()] }] })], /"x\.bin".*is missing/], // prettier-ignore
    [
      'a short shard',
      stored([entry({ shape: [3] })], data),
      /incomplete: "weights\.bin" has 8 bytes, the tensors take 12/,
    ],
    ['a long shard', stored([entry({ shape: [1] })], data), /do not fit together/],
    ['a path outside', [jsonSource('model.json', { weightsManifest: [{ paths: ['../x.bin'], weights: [entry()] }] })], /refused: they name the file "\.\.\/x\.bin"/], // prettier-ignore
    ['an absolute path', [jsonSource('model.json', { weightsManifest: [{ paths: ['/etc/passwd'], weights: [entry()] }] })], /refused/], // prettier-ignore
    ['two tensors of one name', stored([entry({ shape: [1] }), entry({ shape: [1] })], data), /two tensors called "a"/],
    ['a shape that is none', stored([entry({ shape: [-2] })], data), /the shape of the tensor "a" is "\[-2\]"/],
    ['a shape beyond all memory', stored([entry({ shape: [1e6, 1e6] })], data), /the shape of the tensor/],
    ['strings', stored([entry({ dtype: 'string' })], data), /number type "string"/],
    [
      'an unknown quantisation',
      stored([entry({ quantization: { dtype: 'int4' } })], data),
      /quantised in an unknown way/,
    ],
    ['no weights', stored([], data.slice(0, 0)), /hold no weights/],
    ['no model', [jsonSource('metadata.json', { labels: ['a'] })], /hold no model\.json/],
    [
      'two models',
      [...stored([entry()], data), jsonSource('other/model.json', { weightsManifest: [] })],
      /several models/,
    ],
    [
      'a doubled key',
      [{ path: 'model.json', blob: new Blob(['{"weightsManifest": [], "weightsManifest": []}']) }],
      /twice/,
    ],
    ['no JSON', [{ path: 'model.json', blob: new Blob(['{"weightsManifest": ']) }], /is no JSON/],
  ] as const)('%s', async (_, files, found) => {
    await expect(openTfjsLayers(files, 'model')).rejects.toEqual(refused(found));
  });

  test('a graph model', async () => {
    const graphModel = { format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] };
    await expect(openTfjsLayers([jsonSource('model.json', graphModel)], 'model')).rejects.toEqual(
      refused(/graph model \("model\.json"\), which keeps no layers/),
    );
  });

  test('layers of another kind of network are named, the weights stay readable', async () => {
    const topology = { class_name: 'Sequential', config: { layers: [{ class_name: 'GRU', config: { name: 'gru' } }] } };
    const [json, shard] = stored([entry()], data);
    const document = { ...(JSON.parse(await json.blob.text()) as object), modelTopology: topology };
    const file = await openTfjsLayers([jsonSource('model.json', document), shard], 'model');
    expect(file.tensors).toHaveLength(1);
    expect(await file.architecture()).toMatchObject({ kind: 'unsupported', unsupported: ['GRU'] });
  });
});

/** Seeded copies; many more with TRAINYARD_MUTATIONS=60000. */
const COPIES = Number(process.env.TRAINYARD_MUTATIONS ?? 2000);
/** What takes longer is a hang. */
const LIMIT_MS = 1000;

/** Of this process, so that others on the machine do not count. */
function milliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

test(
  `${COPIES} damaged copies give clear errors or a model, none of them late`,
  { timeout: 120_000 + COPIES * 20 },
  async () => {
    const [json, shard] = filesOf(model);
    const bytes = async ({ blob }: WeightsSource): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());
    const [jsonBytes, shardBytes] = [await bytes(json), await bytes(shard)];
    const copies = Math.ceil(COPIES * 0.9);
    const damaged: WeightsSource[][] = [];
    for (const mutated of mutations(jsonBytes, copies, jsonBytes.length)) damaged.push([{ path: 'model.json', blob: new Blob([mutated]) }, shard]); // prettier-ignore
    for (const mutated of mutations(shardBytes, COPIES - copies, 64)) damaged.push([json, { path: 'weights.bin', blob: new Blob([mutated]) }]); // prettier-ignore
    const seen = { refused: 0, unsupported: 0, opened: 0 };
    let slowest = 0;
    for (const files of damaged) {
      const start = milliseconds();
      try {
        const file = await openTfjsLayers(files, 'model');
        await valuesOf(file);
        const { kind } = await file.architecture();
        seen[kind === 'graph' || kind === 'none' ? 'opened' : 'unsupported']++;
      } catch (error) {
        if (!(error instanceof TrainyardError) || error.code !== 'weights-unreadable') throw error;
        seen.refused++;
      }
      slowest = Math.max(slowest, milliseconds() - start);
    }
    expect(slowest).toBeLessThan(LIMIT_MS);
    // Most damage must be noticed; a changed number in the weights cannot be.
    expect(seen.refused + seen.unsupported).toBeGreaterThan(COPIES / 2);
    expect(seen.opened).toBeGreaterThan(0);
  },
);
