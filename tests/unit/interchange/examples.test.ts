// The code in a bundle: its preprocessing gives the very pixels that training saw, its PyTorch module computes what the engine
// computes, and the example scripts run as they are. What needs Python is skipped, aloud, where Python or a package is missing.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import JSZip from 'jszip';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stream } from '$lib/core/random';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { preprocessJs } from '$lib/interchange/bundle/examples/browser';
import { preprocessPython } from '$lib/interchange/bundle/examples/python';
import { LETTERBOX_GREY as EXAMPLE_GREY, exampleSettings } from '$lib/interchange/bundle/examples/settings';
import { writeBundle } from '$lib/interchange/bundle/write';
import { readBytes } from '$lib/interchange/bytes';
import type { TrainedModel } from '$lib/interchange/contract';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { writeSafetensors } from '$lib/interchange/safetensors/parameters';
import { torchModule } from '$lib/interchange/torch/write';
import { toChannelsFirst, toChannelsLast } from '$lib/interchange/verify/runner';
import type { PixelImage } from '$lib/pipeline/contract';
import { LETTERBOX_GREY, applyPreprocess } from '$lib/pipeline/preprocess';
import mobilenet from '$models/mobilenetv2_100/build';
import resnet18 from '$models/resnet18/build';
import { nodeEngine } from './support/engine';
import { graphCases } from './support/graphs';
import { randomImages, relativeDifference, testJob, trainedModel } from './support/models';
import { findPython, runPython, skipWithout } from './support/python';
import { trainedTiny } from './support/trained';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Photograph-like: smooth with edges and noise. */
function picture(width: number, height: number): PixelImage {
  const random = stream(5, 'picture', width, height);
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at++) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    const value = 128 + 90 * Math.sin(x / 7 + (at % 3)) * Math.cos(y / 5) + (x > width / 2 ? 40 : 0) + 20 * random();
    data[at] = Math.max(0, Math.min(255, value));
  }
  return { width, height, data };
}

const PICTURES = [picture(90, 61), picture(33, 70), picture(11, 9), picture(32, 24)];
const RESIZES = ['stretch', 'crop', 'letterbox'] as const;
const INTERPOLATIONS = ['bilinear', 'bicubic', 'nearest'] as const;

const combinations = RESIZES.flatMap((resize) => INTERPOLATIONS.map((interpolation) => ({ resize, interpolation })));

function settingsOf(preprocess: Pick<TrainedModel['preprocess'], 'resize' | 'interpolation'>, normalization = true) {
  const model = trainedTiny();
  return exampleSettings({ ...model, preprocess: { ...model.preprocess, ...preprocess } }, normalization);
}

/** How many values differ, and by how much at most. */
function apart(found: ArrayLike<number>, expected: ArrayLike<number>): { most: number; share: number } {
  expect(found.length).toBe(expected.length);
  let most = 0;
  let count = 0;
  for (let at = 0; at < expected.length; at++) {
    const difference = Math.abs(found[at] - expected[at]);
    most = Math.max(most, difference);
    if (difference > 0) count++;
  }
  return { most, share: count / expected.length };
}

test('the examples letterbox on the same grey as training', () => {
  expect(EXAMPLE_GREY).toBe(LETTERBOX_GREY);
});

interface PreprocessModule {
  toInputSize(image: { width: number; height: number; data: ArrayLike<number> }): PixelImage;
  toNumbers(image: PixelImage, normalize?: boolean): Float32Array;
  channelsFirst(values: Float32Array): Float32Array;
}

async function importPreprocess(name: string, source: string): Promise<PreprocessModule> {
  const path = join(folder, name);
  writeFileSync(path, source);
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

describe('preprocess.mjs gives the pixels of training, to the last bit:', () => {
  test.each(combinations)('$resize, $interpolation', async (preprocess) => {
    const settings = settingsOf(preprocess);
    const name = `${preprocess.resize}-${preprocess.interpolation}.mjs`;
    const { toInputSize, toNumbers, channelsFirst } = await importPreprocess(name, preprocessJs(settings));
    for (const image of PICTURES) {
      const expected = applyPreprocess(image, { imageSize: [24, 32], ...preprocess });
      const found = toInputSize(image);
      expect([found.width, found.height]).toEqual([32, 24]);
      expect(apart(found.data, expected.data)).toEqual({ most: 0, share: 0 });
      const numbers = toNumbers(found);
      expect(numbers[100]).toBe(Math.fround(found.data[100] / 255));
      expect(channelsFirst(numbers)).toEqual(toChannelsFirst(numbers, [1, 24, 32, 3]));
    }
  });

  test('normalised when the model does not do it', async () => {
    const preprocess = { resize: 'stretch', interpolation: 'bilinear' } as const;
    const { toNumbers } = await importPreprocess('normalised.mjs', preprocessJs(settingsOf(preprocess, false)));
    const { mean, std } = trainedTiny().preprocess;
    expect(toNumbers(PICTURES[3])[4]).toBeCloseTo((PICTURES[3].data[4] / 255 - mean[1]) / std[1], 6);
  });
});

/** Netpbm: the simplest file that Pillow reads. */
function ppm({ width, height, data }: PixelImage): Uint8Array {
  return Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), Buffer.from(data)]);
}

const pillow = findPython(['numpy', 'PIL.Image']);

describe('preprocess.py gives the pixels of training, to the last bit:', () => {
  skipWithout(pillow, ['numpy', 'PIL.Image']);
  test.each(combinations)('$resize, $interpolation', (preprocess) => {
    writeFileSync(join(folder, 'preprocess.py'), preprocessPython(settingsOf(preprocess)));
    PICTURES.forEach((image, index) => writeFileSync(join(folder, `${index}.ppm`), ppm(image)));
    const script = `import sys, preprocess
for path in sys.argv[1:]:
    print((preprocess.load_image(path) * 255).round().astype(int).flatten().tolist())`;
    const paths = PICTURES.map((_, index) => `${index}.ppm`);
    const lines = runPython(pillow ?? '', ['-B', '-c', script, ...paths], folder)
      .trim()
      .split('\n');
    for (const [index, image] of PICTURES.entries()) {
      const expected = applyPreprocess(image, { imageSize: [24, 32], ...preprocess });
      const found: number[] = JSON.parse(lines[index]);
      const rows = toChannelsLast(Float32Array.from(found), [1, 24, 32, 3]);
      expect(apart(rows, expected.data)).toEqual({ most: 0, share: 0 });
    }
  });

  test('normalised as the model does it', () => {
    writeFileSync(
      join(folder, 'preprocess.py'),
      preprocessPython(settingsOf({ resize: 'stretch', interpolation: 'bilinear' })),
    );
    writeFileSync(join(folder, 'one.ppm'), ppm(PICTURES[3]));
    const script = 'import preprocess; print(preprocess.normalize(preprocess.load_image("one.ppm"))[1, 0, 0])';
    const { mean, std } = trainedTiny().preprocess;
    const expected = (PICTURES[3].data[1] / 255 - mean[1]) / std[1];
    expect(Number(runPython(pillow ?? '', ['-B', '-c', script], folder))).toBeCloseTo(expected, 5);
  });
});

const torch = findPython(['torch']);

describe('model.py computes what the engine computes', () => {
  skipWithout(torch, ['torch']);
  let engine: TfjsEngine;
  beforeAll(async () => {
    engine = await nodeEngine('cpu');
  });

  // Reads safetensors by hand: Debian has no package of it.
  const RUN = `import importlib, json, struct, sys, torch
def load(path):
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__")
    kinds = {"F32": torch.float32, "I64": torch.int64}
    return {name: torch.frombuffer(bytearray(raw[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]]), dtype=kinds[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}
for name in sys.argv[1:]:
    model = importlib.import_module(name).Model()
    model.load_state_dict(load(name + ".safetensors"), strict=True)
    model.eval()
    shape = json.load(open(name + ".json"))
    image = torch.frombuffer(bytearray(open(name + ".bin", "rb").read()), dtype=torch.float32).reshape(shape)
    with torch.no_grad():
        output = model(image)
    if output.dim() == 4:
        output = output.permute(0, 2, 3, 1)
    print(json.dumps(output.flatten().tolist()))`;

  test('for every operation and for whole models, all parameters by name', { timeout: 300_000 }, async () => {
    const models = [
      ...graphCases,
      { op: 'model', title: 'tiny-cnn', graph: trainedTiny().graph },
      { op: 'model', title: 'mobilenetv2_100', graph: mobilenet({ config: {}, imageSize: [32, 48], classes: 3 }) },
    ].map(({ op, title, graph }, index) => ({
      name: `case_${index}`,
      what: `${op}: ${title}`,
      model: trainedModel(graph),
    }));
    const expected: Float32Array[] = [];
    for (const { name, model } of models) {
      const [height, width] = model.graph.nodes[0].shape;
      const shape = [2, height, width, 3] as const;
      const images = randomImages(shape);
      const targets = { values: new Float32Array(0), shape: [0] };
      const predictor = engine.predictor(model.graph, model.parameters);
      expected.push((await predictor.predict({ images, shape, targets })).output);
      predictor.dispose();
      writeFileSync(join(folder, `${name}.py`), torchModule(model.graph, name));
      writeFileSync(join(folder, `${name}.safetensors`), await readBytes(writeSafetensors(model)));
      writeFileSync(join(folder, `${name}.json`), JSON.stringify([2, 3, height, width]));
      writeFileSync(join(folder, `${name}.bin`), new Uint8Array(toChannelsFirst(images, shape).buffer));
    }
    const lines = runPython(torch ?? '', ['-B', '-c', RUN, ...models.map(({ name }) => name)], folder)
      .trim()
      .split('\n');
    for (const [index, { what }] of models.entries()) {
      const found = Float32Array.from(JSON.parse(lines[index]));
      expect(relativeDifference(expected[index], found), what).toBeLessThan(1e-5);
    }
  });
});

async function unpack(bundle: Blob, name: string): Promise<string> {
  const into = join(folder, name);
  mkdirSync(join(into, 'examples'), { recursive: true });
  const zip = await JSZip.loadAsync(await readBytes(bundle));
  for (const [path, entry] of Object.entries(zip.files)) {
    if (/^(examples\/)?[^/]+$/.test(path)) writeFileSync(join(into, path), await entry.async('uint8array'));
  }
  return join(into, 'examples');
}

async function bundleOf(model: TrainedModel, normalization: boolean): Promise<Blob> {
  const files = [
    { path: 'model.onnx', blob: writeOnnx(model, { normalization }) },
    { path: 'model.safetensors', blob: writeSafetensors(model) },
  ];
  const formats = (['onnx', 'safetensors'] as const).map((format) => ({
    format,
    files: [],
    status: 'verified' as const,
    reason: '',
    maxDifference: 0,
    relativeDifference: 0,
    tolerance: 1e-4,
    images: 1,
  }));
  return writeBundle({ model, files, formats, normalization });
}

/** What the page would answer, from the engine. */
async function answer(model: TrainedModel, image: PixelImage): Promise<Float32Array> {
  const engine = await nodeEngine('cpu');
  const pixels = applyPreprocess(image, model.preprocess);
  const { mean, std } = model.preprocess;
  const images = Float32Array.from(pixels.data, (byte, at) => (byte / 255 - mean[at % 3]) / std[at % 3]);
  const predictor = engine.predictor(model.graph, model.parameters);
  const targets = { values: new Float32Array(0), shape: [0] };
  const [height, width] = model.preprocess.imageSize;
  const { output } = await predictor.predict({ images, shape: [1, height, width, 3], targets });
  predictor.dispose();
  return output;
}

const onnxPython = findPython(['onnxruntime', 'numpy', 'PIL.Image']);

describe('predict_onnx.py answers as the page does', () => {
  skipWithout(onnxPython, ['onnxruntime', 'numpy', 'PIL.Image']);
  test.each([true, false])('normalisation inside: %s', async (normalization) => {
    const model = trainedTiny();
    const examples = await unpack(await bundleOf(model, normalization), `onnx-${String(normalization)}`);
    writeFileSync(join(examples, 'photo.ppm'), ppm(PICTURES[0]));
    const printed: { predicted_class: string; all_predictions: Record<string, number> } = JSON.parse(
      runPython(onnxPython ?? '', ['-B', 'predict_onnx.py', 'photo.ppm'], examples),
    );
    const logits = Array.from(await answer(model, PICTURES[0]));
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    expect(Object.keys(printed.all_predictions)).toEqual(model.classes);
    for (const [index, label] of model.classes.entries()) {
      expect(printed.all_predictions[label]).toBeCloseTo(Math.exp(logits[index]) / total, 5);
    }
    expect(printed.predicted_class).toBe(model.classes[logits.indexOf(Math.max(...logits))]);
  });
});

const torchPython = findPython(['torch', 'safetensors', 'numpy', 'PIL.Image']);

describe('load_pytorch.py answers as the page does', () => {
  skipWithout(torchPython, ['torch', 'safetensors', 'numpy', 'PIL.Image']);
  test('for a model that no library has', async () => {
    const model = trainedTiny();
    const examples = await unpack(await bundleOf(model, true), 'torch');
    writeFileSync(join(examples, 'photo.ppm'), ppm(PICTURES[0]));
    const printed: { logits: number[] } = JSON.parse(
      runPython(torchPython ?? '', ['-B', 'load_pytorch.py', 'photo.ppm'], examples),
    );
    const logits = await answer(model, PICTURES[0]);
    expect(relativeDifference(logits, Float32Array.from(printed.logits))).toBeLessThan(1e-5);
  });
});

const timm = findPython(['timm', 'torch', 'safetensors', 'numpy', 'PIL.Image']);

describe('load_pytorch.py answers as the page does, through timm', () => {
  skipWithout(timm, ['timm', 'torch', 'safetensors', 'numpy', 'PIL.Image']);
  test.each([
    { name: 'resnet18', build: resnet18 },
    { name: 'mobilenetv2_100', build: mobilenet },
  ])('$name', { timeout: 300_000 }, async ({ name, build }) => {
    const graph = build({ config: {}, imageSize: [40, 48], classes: 4 });
    const model = trainedModel(graph, { job: { ...testJob, model: { name, config: {}, weights: null } } });
    const examples = await unpack(await bundleOf(model, true), name);
    writeFileSync(join(examples, 'photo.ppm'), ppm(PICTURES[0]));
    const printed: { logits: number[] } = JSON.parse(
      runPython(timm ?? '', ['-B', 'load_pytorch.py', 'photo.ppm'], examples),
    );
    const logits = await answer(model, PICTURES[0]);
    expect(relativeDifference(logits, Float32Array.from(printed.logits))).toBeLessThan(1e-5);
  });
});

const onnxChecker = findPython(['onnx']);

describe('ONNX’s own checker', () => {
  skipWithout(onnxChecker, ['onnx']);
  test('takes every file, with the shapes that it infers itself', { timeout: 300_000 }, async () => {
    const cases = [...graphCases, { op: 'model', title: 'tiny-cnn', graph: trainedTiny().graph }];
    for (const [index, { graph }] of cases.entries()) {
      const blob = writeOnnx(trainedModel(graph), { normalization: true });
      writeFileSync(join(folder, `${index}.onnx`), await readBytes(blob));
    }
    const script = `import onnx, sys
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
print("ok")`;
    const paths = cases.map((_, index) => `${index}.onnx`);
    expect(runPython(onnxChecker ?? '', ['-c', script, ...paths], folder).trim()).toBe('ok');
  });
});
