// bundle.zip: what is packed is opened again as the same model; what is damaged or not a bundle is refused in one clear sentence.
import JSZip from 'jszip';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { readBundle } from '$lib/interchange/bundle/read';
import { writeBundle } from '$lib/interchange/bundle/write';
import { bytesOf, readBytes } from '$lib/interchange/bytes';
import type { FormatReport, TrainedModel } from '$lib/interchange/contract';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { encodeSafetensors } from '$lib/interchange/safetensors/write';
import { writeTfjs } from '$lib/interchange/tfjs/write';
import { integer, stream } from '$lib/core/random';
import resnet18 from '$models/resnet18/build';
import { graphCases } from './support/graphs';
import { randomParameters, testJob, trainedModel } from './support/models';
import { mutations } from './support/mutate';
import { trainedTiny } from './support/trained';

/** toEqual on the weights themselves would take a second a time: they are compared as bytes. */
function expectSame(opened: TrainedModel, expected: TrainedModel, what = ''): void {
  expect({ ...opened, parameters: null }, what).toEqual({ ...expected, parameters: null });
  expect([...opened.parameters.keys()], what).toEqual([...expected.parameters.keys()]);
  for (const [name, values] of opened.parameters) {
    const right = expected.parameters.get(name);
    if (right === undefined) throw new Error(`"${name}" is not a parameter.`);
    expect(Buffer.compare(bytesOf(values), bytesOf(right)), `${what} ${name}`).toBe(0);
  }
}

function verified(format: FormatReport['format']): FormatReport {
  const files = [{ path: `model.${format}`, bytes: 570_000 }];
  const numbers = { maxDifference: 2.4e-7, relativeDifference: 1.1e-7, tolerance: 1e-4, images: 20 };
  return { format, files, status: 'verified', reason: '', ...numbers };
}

function pack(model: TrainedModel, normalization = true): Promise<Blob> {
  const files = [
    { path: 'model.onnx', blob: writeOnnx(model, { normalization }) },
    ...writeTfjs(model, { normalization }),
    { path: 'model.safetensors', blob: writeSafetensors(model) },
  ];
  const formats = (['onnx', 'tfjs', 'safetensors'] as const).map(verified);
  return writeBundle({ model, files, formats, normalization });
}

const model = trainedTiny();
let bundle: Blob;
let bytes: Uint8Array;
beforeAll(async () => {
  bundle = await pack(model);
  bytes = await readBytes(bundle);
});

async function contents(): Promise<JSZip> {
  return JSZip.loadAsync(bytes);
}

async function textOf(path: string, zip?: JSZip): Promise<string> {
  const text = await (zip ?? (await contents())).file(path)?.async('string');
  if (text === undefined) throw new Error(`The bundle has no ${path}.`);
  return text;
}

/** The bundle with one file replaced (null leaves it out). */
async function repacked(path: string, content: string | Uint8Array | null): Promise<Blob> {
  const zip = await contents();
  if (content === null) zip.remove(path);
  else zip.file(path, content);
  return new Blob([new Uint8Array(await zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE' }))]);
}

async function refusal(file: Blob, weights?: Blob): Promise<TrainyardError> {
  const error: unknown = await readBundle(file, weights).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
  return error;
}

describe('a bundle', () => {
  test('holds the verified files, the documents and the examples', async () => {
    expect(Object.keys((await contents()).files).sort()).toEqual([
      'MODEL_CARD.md',
      'examples/load_pytorch.py',
      'examples/model.py',
      'examples/predict_onnx.html',
      'examples/predict_onnx.py',
      'examples/predict_tfjs.html',
      'examples/preprocess.mjs',
      'examples/preprocess.py',
      'job.json',
      'labels.txt',
      'model.json',
      'model.onnx',
      'model.safetensors',
      'tfjs/group1-shard1of1.bin',
      'tfjs/model.json',
    ]);
    expect(await textOf('labels.txt')).toBe('rose\ntulip | pipe\nGänseblümchen\n"quoted"\n');
    expect(JSON.parse(await textOf('job.json'))).toEqual(model.job);
  });

  test('is opened as the same model', async () => {
    expectSame(await readBundle(bundle), model);
  });

  test('is opened where there was no evaluation', async () => {
    const unjudged = { ...model, evaluation: null };
    expectSame(await readBundle(await pack(unjudged)), unjudged);
  });

  test('is opened whatever operations its graph has', async () => {
    for (const { graph, title } of graphCases) {
      const trained = trainedModel(graph);
      expectSame(await readBundle(await pack(trained)), trained, title);
    }
  });

  test('is opened after it was unpacked and packed again', async () => {
    const zip = new JSZip();
    for (const [path, entry] of Object.entries((await contents()).files)) {
      zip.file(`my model/${path}`, await entry.async('uint8array'));
    }
    const again = await zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE' });
    expectSame(await readBundle(new Blob([new Uint8Array(again)])), model);
  });

  test('is opened with a job of version 1, as the current one that does the same', async () => {
    const { ema, mix, distillation, monitoring, ...older } = model.job;
    const { interval, ...scheduler } = older.scheduler;
    expect([ema.decay, mix.mixup, distillation.teacher, monitoring.norms_every, interval]).toEqual([
      0,
      0,
      null,
      0,
      'step',
    ]);
    const document: unknown = JSON.parse(await textOf('model.json'));
    const text = JSON.stringify({ ...Object(document), job: { ...older, scheduler, version: 1 } });
    expectSame(await readBundle(await repacked('model.json', text)), model);
  });

  test('takes other weights of the same model', async () => {
    const other = randomParameters(model.graph, 99);
    const opened = await readBundle(bundle, writeSafetensors({ ...model, parameters: other }));
    expectSame(opened, { ...model, parameters: other });
  });

  test('says in model.json how images get in and answers come out', async () => {
    const document: unknown = JSON.parse(await textOf('model.json'));
    expect(document).toMatchObject({
      format: 'trainyard-bundle',
      version: 1,
      versions: { trainyard: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      name: 'Flowers <1>',
      labels: model.classes,
      preprocessing: {
        image_size: [24, 32],
        resize: 'stretch',
        interpolation: 'bilinear',
        mean: [0.41, 0.52, 0.63],
        std: [0.21, 0.32, 0.25],
        normalization_in_model: true,
      },
      postprocessing: { output: 'probabilities', activation: 'softmax' },
      metrics: { accuracy: 0.875, macro_f1: null },
      weights: { file: 'model.safetensors', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  test('has a model card with the classes, the results beside the baseline, and the check', async () => {
    const card = await textOf('MODEL_CARD.md');
    expect(card).toContain('# Flowers \\<1\\>');
    expect(card).toContain('300 images to train, 40 to validate (they chose the checkpoint), 40 to test');
    expect(card).toMatch(/\| Accuracy \| 87\.5\s?% \| 30\.0\s?% \|/);
    // A class name must not break the table.
    expect(card).toContain('| tulip \\| pipe | 90.0');
    expect(card).toContain('| ONNX (opset 17) | 570 kB | 20 | 2.4e-7 | 1.1e-7 |');
    expect(card).not.toContain('undefined');
    expect(card).not.toContain('NaN');
  });

  test('says so when nothing is known about how good the model is', async () => {
    const card = await textOf(
      'MODEL_CARD.md',
      await JSZip.loadAsync(await readBytes(await pack({ ...model, evaluation: null }))),
    );
    expect(card).toContain('not evaluated on held-out images');
  });

  test('of a timm model loads it through timm', async () => {
    const graph = resnet18({ config: {}, imageSize: [32, 32], classes: 3 });
    const trained = trainedModel(graph, {
      job: { ...testJob, model: { name: 'resnet18', config: {}, weights: null } },
    });
    const zip = await JSZip.loadAsync(await readBytes(await pack(trained)));
    expect(await textOf('examples/load_pytorch.py', zip)).toContain('timm.create_model("resnet18", num_classes=3)');
    expect(zip.file('examples/model.py')).toBeNull();
  });

  test('of a model that this program does not know is written and opened all the same', async () => {
    const unknown = { ...model, job: { ...model.job, model: { name: 'gone-2000', config: {}, weights: null } } };
    expectSame(await readBundle(await pack(unknown)), unknown);
  });
});

describe('refused:', () => {
  test.each<[title: string, file: () => Blob | Promise<Blob>, code: string, message: RegExp]>([
    ['an empty file', () => new Blob([]), 'not-a-bundle', /cannot be read as a zip archive/],
    ['a picture', () => new Blob([new Uint8Array(5000).fill(200)]), 'not-a-bundle', /no zip/],
    ['half a bundle', () => bundle.slice(0, bundle.size >> 1), 'not-a-bundle', /truncated/],
    ['a zip without model.json', () => repacked('model.json', null), 'not-a-bundle', /holds no model\.json/],
    [
      'a bundle without weights',
      () => repacked('model.safetensors', null),
      'not-a-bundle',
      /weights, model\.safetensors, are missing/,
    ],
    [
      'weights of another bundle',
      () => repacked('model.safetensors', new Uint8Array(80)),
      'bundle-damaged',
      /not the file/,
    ],
    ['a model.json that is not JSON', () => repacked('model.json', '{'), 'bundle-invalid', /not JSON/],
    [
      'a TF.js model.json',
      () => repacked('model.json', '{"format": "graph-model"}'),
      'bundle-invalid',
      /"version" is missing/,
    ],
    ['a list', () => repacked('model.json', '[]'), 'bundle-invalid', /must be an object/],
  ])('%s', async (_title, file, code, message) => {
    const error = await refusal(await file());
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe('');
  });

  test('a byte that changed on the way', async () => {
    const damaged = bytes.slice();
    const at = new TextDecoder('latin1').decode(damaged).indexOf('"image_size"');
    damaged[at + 3] ^= 1;
    const error = await refusal(new Blob([damaged]));
    expect(error.code).toBe('bundle-damaged');
    expect(error.message).toMatch(/"model\.json" in the bundle cannot be read: its checksum is wrong/);
  });

  test('weights of another number of classes', async () => {
    const other = trainedModel(resnet18({ config: {}, imageSize: [32, 32], classes: 3 }));
    expect((await refusal(bundle, writeSafetensors(other))).code).toBe('weights-mismatch');
    expect((await refusal(bundle, new Blob(['no']))).code).toBe('safetensors-damaged');
    expect((await refusal(bundle, encodeSafetensors([], {}))).code).toBe('weights-mismatch');
  });

  /** model.json with one value changed by its path. */
  async function edited(path: string, value: unknown): Promise<Blob> {
    const { setPath } = await import('$lib/core/path');
    const document: unknown = JSON.parse(await textOf('model.json'));
    return repacked('model.json', JSON.stringify(setPath(document, path, value)));
  }

  test.each<[path: string, value: unknown, message: RegExp]>([
    ['format', 'other', /"format" is "other"/],
    ['version', 0, /"version" is 0/],
    ['labels', ['a', 'b', 'c'], /"labels" .* 4 names/],
    ['labels', ['a', 'b', 'c', 'c'], /names that all differ/],
    ['labels.2', 7, /"labels\.2" is 7; it must be a text/],
    ['preprocessing.image_size', [32, 24], /24 x 32/],
    ['preprocessing.std', [0.2, 0, 0.2], /above 0/],
    ['preprocessing.resize', 'squash', /one of "stretch", "crop", "letterbox"/],
    ['task.activation.kind', 'gelu', /one of "softmax"/],
    ['graph.nodes.3.op', 'conv3d', /"graph\.nodes\.3\.op" is "conv3d"/],
    ['graph.nodes.1.attributes.kernel', [3], /kernel/],
    ['graph.nodes.1.attributes.filters', 1.5, /filters/],
    ['graph.nodes.1.attributes.filters', 31, /parameter "stem\.conv\.weight" does not fit|gives/],
    ['graph.nodes.1.inputs', ['nowhere'], /reads "nowhere"/],
    ['graph.nodes.1.inputs', [], /reads 1 inputs, found 0/],
    ['graph.nodes.2.id', 'input', /two layers are called "input"/],
    ['graph.nodes.2.shape', [1, 1, 32], /gives \[24, 32, 32\]/],
    ['graph.nodes.0.op', 'softmax', /first layer is not the input|reads/],
    ['graph.output', 'elsewhere', /no layer "elsewhere"/],
    ['graph.parameters.0.name', 'renamed', /"stem\.conv\.weight", which there is not/],
    ['graph.parameters.0.shape', [2 ** 20, 2 ** 20], /smaller shape/],
    ['graph.parameters.0.layout', 'linear', /does not fit/],
    ['graph.parameters.0.initializer', { kind: 'magic' }, /"zeros"/],
    ['job.training.batch_size', -1, /batch_size/],
    ['job.version', 3, /job\.version/],
    ['job.scheduler.interval', 'day', /job\.scheduler\.interval/],
    ['evaluation.epoch', null, /evaluation\.epoch/],
  ])('model.json with %s = %j', async (path, value, message) => {
    const error = await refusal(await edited(path, value));
    expect(error.code).toBe('bundle-invalid');
    expect(error.message).toMatch(message);
  });

  test('a newer version, by its number', async () => {
    expect(await refusal(await edited('version', 2))).toMatchObject({ code: 'bundle-version' });
  });
});

test('a damaged bundle gives one of our errors or the model, whatever was damaged', async () => {
  let refused = 0;
  for (const damaged of mutations(bytes, 300, bytes.length)) {
    try {
      expectSame(await readBundle(new Blob([damaged])), model);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      refused++;
    }
  }
  // The rest were changed in files that opening does not read.
  expect(refused).toBeGreaterThan(100);
});

test('model.json with any value replaced by any other gives one of our errors or a model', async () => {
  const { setPath } = await import('$lib/core/path');
  const document: unknown = JSON.parse(await textOf('model.json'));
  const paths: string[] = [];
  const collect = (value: unknown, path: string): void => {
    if (path !== '') paths.push(path);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) collect(item, path === '' ? key : `${path}.${key}`);
  };
  collect(document, '');
  const values = [null, -1, 0, 1e9, 1.5, '', 'input', [], [1], {}, true, 'x'.repeat(1000), [[[1]]], '__proto__'];
  const random = stream(3, 'values');
  // Packing is slow, the parser is not: it is what stands between a file and the rest.
  const { parseDocument } = await import('$lib/interchange/bundle/document');
  let refused = 0;
  for (let count = 0; count < 3000; count++) {
    const path = paths[integer(random, paths.length)];
    const json = JSON.stringify(setPath(document, path, values[integer(random, values.length)]));
    try {
      parseDocument(json);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw new Error(`${path}: ${String(error)}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(2000);
});
