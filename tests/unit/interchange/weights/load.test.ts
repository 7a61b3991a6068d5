// What a model takes from a file: whatever the names are nested in, whatever the head is, in our layouts; and what it refuses.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { pyTorchShape, toPyTorch } from '$lib/graph/layout';
import { elements } from '$lib/graph/ops/operation';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { TensorEntry, WeightsConvention, WeightsFile } from '$lib/interchange/weights/contract';
import { loadWeights } from '$lib/interchange/weights/load';
import { openWeights } from '$lib/interchange/weights/open';
import { buildModel } from '$lib/models/build';
import { resamplePositionEmbedding } from '$lib/models/position-embedding';
import mobilenet from '$models/mobilenetv2_100/build';
import resnet18 from '$models/resnet18/build';
import tinyCnn from '$models/tiny-cnn/build';
import vitTiny from '$models/vit_tiny_patch16_224/build';
import { randomParameters } from '../support/models';
import { findPython, runPython, skipWithout } from '../support/python';

const build = { config: {}, imageSize: [32, 32], classes: 5 } as const;
/** Convolutions of both kinds, batch norms, a linear head called "classifier". */
const small = tinyCnn(build);
const small1000 = tinyCnn({ ...build, classes: 1000 });
const vit = (imageSize: readonly [number, number]) => vitTiny({ config: {}, imageSize, classes: 5 });

function fileOf(tensors: readonly TensorEntry[], convention: WeightsConvention = 'torch'): WeightsFile {
  const format = convention === 'torch' ? 'safetensors' : convention === 'onnx' ? 'onnx' : 'keras-h5';
  const architecture = () => Promise.resolve({ kind: 'none' } as const);
  return { format, convention, tensors, classes: null, preprocess: null, architecture };
}

function entry(name: string, shape: readonly number[], values: Float32Array): TensorEntry {
  return { name, shape, dtype: 'float32', read: () => Promise.resolve(values.slice()) };
}

/** As PyTorch saves a model. */
function stateDict(graph: Graph, values: ParameterValues, rename = (name: string) => name): TensorEntry[] {
  return graph.parameters.flatMap((specification) => {
    const { name } = specification;
    const stored = toPyTorch(specification, values.get(name) ?? new Float32Array(0));
    const own = entry(rename(name), stored.shape, stored.values);
    if (!name.endsWith('running_var')) return [own];
    return [own, entry(rename(name.replace('running_var', 'num_batches_tracked')), [], new Float32Array([7]))];
  });
}

async function load(graph: Graph, file: WeightsFile, options = {}) {
  return loadWeights(graph, file, initializeParameters(graph, 1), { source: 'a file', ...options });
}

async function refusal(graph: Graph, file: WeightsFile): Promise<TrainyardError> {
  const error: unknown = await load(graph, file).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TrainyardError)) throw new Error(`Expected a TrainyardError, found ${String(error)}.`);
  return error;
}

const head = ['classifier.weight', 'classifier.bias'];

/** Names and bits. expect().toEqual takes minutes for millions of numbers. */
function expectSame(found: ParameterValues, expected: ParameterValues): void {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  for (const [name, values] of expected) expectBits(found.get(name), values, name);
}

function expectBits(found: Float32Array | undefined, expected: Float32Array | undefined, name: string): void {
  if (found === undefined || expected === undefined) throw new Error(`No values for "${name}".`);
  expect(Buffer.compare(bits(found), bits(expected)), name).toBe(0);
}

function bits({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(new Uint8Array(buffer, byteOffset, byteLength));
}

describe('by PyTorch’s names', () => {
  test('everything is loaded, bit for bit', async () => {
    for (const graph of [small, resnet18(build), mobilenet(build)]) {
      const values = randomParameters(graph);
      const { parameters, report } = await load(graph, fileOf(stateDict(graph, values)));
      expectSame(parameters, values);
      expect(report).toMatchObject({
        source: 'a file',
        format: 'safetensors',
        missing: [],
        unused: [],
        mismatched: [],
      });
      expect(report.loaded).toEqual(graph.parameters.map(({ name }) => name));
      expect(report.backbone).toEqual({ loaded: graph.parameters.length - 2, total: graph.parameters.length - 2 });
    }
  });

  test.each(['module.', 'model.', 'backbone.', 'encoder.', '_orig_mod.', 'state_dict.module.model.'])(
    'behind the prefix "%s", which is told',
    async (prefix) => {
      const values = randomParameters(small);
      const { parameters, report } = await load(small, fileOf(stateDict(small, values, (name) => prefix + name)));
      expectSame(parameters, values);
      expect(report.notes).toEqual([`Names in the file begin with "${prefix}".`]);
    },
  );

  test('averaged weights are taken before those of the last step, and both before moments of the optimiser', async () => {
    const [moments, last, averaged] = [1, 2, 3].map((seed) => randomParameters(small, seed));
    const { parameters, report } = await load(
      small,
      fileOf([
        ...stateDict(small, moments, (name) => `optimizer.${name}`),
        ...stateDict(small, last, (name) => `model.${name}`),
        ...stateDict(small, averaged, (name) => `model_ema.${name}`),
      ]),
    );
    expectSame(parameters, averaged);
    expect(report.unused).toContain('model.stem.conv.weight');
  });

  test('a classifier of other classes starts anew, and the report says so', async () => {
    const values = randomParameters(small1000);
    const { parameters, report } = await load(small, fileOf(stateDict(small1000, values)));
    const initial = initializeParameters(small, 1);
    for (const { name } of small.parameters) {
      expectBits(parameters.get(name), (head.includes(name) ? initial : values).get(name), name);
    }
    const reason = 'a classifier of 1,000 classes: replaced by one of 5';
    expect(report.mismatched).toEqual([
      { name: 'classifier.weight', expected: [5, 256], found: [1000, 256], reason },
      { name: 'classifier.bias', expected: [5], found: [1000], reason },
    ]);
    expect(report.unused).toEqual([]);
    expect(report.backbone.loaded).toBe(report.backbone.total);
  });

  test('a file without a classifier leaves it missing', async () => {
    const tensors = stateDict(small, randomParameters(small)).filter(({ name }) => !head.includes(name));
    const { report } = await load(small, fileOf(tensors));
    expect(report.missing).toEqual(head);
    expect(report.backbone.loaded).toBe(report.backbone.total);
  });

  test('a tensor of another shape in the backbone starts anew and counts as not loaded', async () => {
    const tensors = stateDict(small, randomParameters(small)).map((tensor) =>
      tensor.name === 'stem.conv.weight' ? entry('stem.conv.weight', [32, 1, 3, 3], new Float32Array(32 * 9)) : tensor,
    );
    const { parameters, report } = await load(small, fileOf([...tensors, entry('extra', [2], new Float32Array(2))]));
    expectBits(parameters.get('stem.conv.weight'), initializeParameters(small, 1).get('stem.conv.weight'), 'stem');
    expect(report.mismatched).toEqual([
      { name: 'stem.conv.weight', expected: [32, 3, 3, 3], found: [32, 1, 3, 3], reason: 'another shape: starts anew' },
    ]);
    expect(report.unused).toEqual(['extra']);
    expect(report.backbone.loaded).toBe(report.backbone.total - 1);
  });

  test('a convolution of 1 x 1 is as good as a linear layer', async () => {
    const tensors = stateDict(small, randomParameters(small)).map((tensor) =>
      tensor.name === 'classifier.weight' ? { ...tensor, shape: [...tensor.shape, 1, 1] } : tensor,
    );
    const { report } = await load(small, fileOf(tensors));
    expect(report.mismatched).toEqual([]);
  });

  test('a position embedding of another image size is resampled, and counts as loaded', async () => {
    const [from, to] = [vit([32, 32]), vit([48, 64])];
    const values = randomParameters(from);
    const { parameters, report } = await load(to, fileOf(stateDict(from, values)));
    expect(report.resampled).toEqual([{ name: 'pos_embed', from: [1, 5, 192], to: [1, 13, 192] }]);
    expect(report.mismatched).toEqual([]);
    expect(report.backbone.loaded).toBe(report.backbone.total);
    const stored = values.get('pos_embed') ?? new Float32Array(0);
    const expected = resamplePositionEmbedding(stored, [2, 2], [3, 4], 192, 1);
    expectBits(parameters.get('pos_embed'), expected, 'pos_embed');
  });

  test('values that are not finite are refused', async () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const values = new Map(randomParameters(small));
      values.set('stem.bn.bias', new Float32Array(32).fill(bad, 3, 4));
      const error = await refusal(small, fileOf(stateDict(small, values)));
      expect(error).toMatchObject({ code: 'weights-not-finite' });
      expect(error.message).toContain('"stem.bn.bias"');
    }
  });
});

describe('by order, when names are others', () => {
  const values = randomParameters(small1000);
  const renamed = (name: string) =>
    `features.${name.length}.${name.split('.').slice(0, -1).join('_')}.${name.split('.').at(-1)}`;

  test('all of PyTorch’s tensors are taken when roles and shapes agree', async () => {
    const { parameters, report } = await load(small1000, fileOf(stateDict(small1000, values, renamed)));
    expectSame(parameters, values);
    expect(report.notes?.[0]).toMatch(/order/);
  });

  test('and the classifier may differ', async () => {
    const { report } = await load(small, fileOf(stateDict(small1000, values, renamed)));
    expect(report.mismatched.map(({ name }) => name)).toEqual(head);
    expect(report.backbone.loaded).toBe(report.backbone.total);
  });

  test('but sorted names, whose order is not the model’s, are refused', async () => {
    const tensors = stateDict(small1000, values, renamed).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(await refusal(small, fileOf(tensors))).toMatchObject({ code: 'weights-mismatch' });
  });

  test('tensors of an ONNX file have no roles', async () => {
    const tensors = small1000.parameters.map((specification, index) => {
      const { shape, values: stored } = toPyTorch(specification, values.get(specification.name) ?? new Float32Array(0));
      return entry(`onnx::Conv_${index}`, shape, stored);
    });
    const { parameters } = await load(small1000, fileOf(tensors, 'onnx'));
    expectSame(parameters, values);
  });
});

const torchvision = findPython(['torch', 'torchvision']);

describe('torchvision’s own weights', () => {
  skipWithout(torchvision, ['torch', 'torchvision']);
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-torchvision-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  // timm's names are torchvision's for ResNet and SqueezeNet alone.
  const MODELS = {
    resnet18: 'resnet18',
    squeezenet1_1: 'squeezenet1_1',
    mobilenet_v2: 'mobilenetv2_100',
    efficientnet_b0: 'efficientnet_b0',
    mobilenet_v3_small: 'mobilenetv3_small_100',
  };
  const SCRIPT = `import sys, torch, torchvision
for name in sys.argv[1:]:
    torch.save(getattr(torchvision.models, name)(num_classes=7).state_dict(), name + ".pth")`;

  test('fill every tensor of the backbone', { timeout: 120_000 }, async () => {
    runPython(torchvision ?? '', ['-B', '-c', SCRIPT, ...Object.keys(MODELS)], folder);
    for (const [name, id] of Object.entries(MODELS)) {
      const blob = new Blob([readFileSync(join(folder, `${name}.pth`))]);
      const file = await openWeights([{ path: `${name}.pth`, blob }], name);
      const graph = await buildModel(id, { config: {}, imageSize: [64, 64], classes: 7 });
      const initial = new Map(graph.parameters.map((each) => [each.name, new Float32Array(elements(each.shape))]));
      const { report } = await loadWeights(graph, file, initial, { source: name });
      expect(report.loaded, name).toEqual(graph.parameters.map((each) => each.name));
      expect(report.unused, name).toEqual([]);
    }
  });
});

const KERAS_OF: Readonly<Record<string, string>> = {
  running_mean: 'moving_mean',
  running_var: 'moving_variance',
};

/** As Keras saves a model: HWIO kernels, '/' in names. */
function kerasTensors(graph: Graph, values: ParameterValues, layerOf: (layer: string) => string): TensorEntry[] {
  return graph.nodes.flatMap(({ id, op, parameters }) =>
    Object.entries(parameters).map(([role, name]) => {
      const kernel = op === 'depthwise_conv2d' ? 'depthwise_kernel' : 'kernel';
      const norm = op === 'batch_norm' ? { weight: 'gamma', bias: 'beta' } : { weight: kernel, bias: 'bias' };
      const variable = KERAS_OF[role] ?? (role === 'weight' ? norm.weight : norm.bias);
      const shape = graph.parameters.find((parameter) => parameter.name === name)?.shape ?? [];
      return entry(`${layerOf(id)}/${variable}`, shape, values.get(name) ?? new Float32Array(0));
    }),
  );
}

describe('from Keras', () => {
  const graph = small;
  const values = randomParameters(graph);

  test('by the plugin’s own table, also behind a model’s name', async () => {
    const keras = (parameter: string) => {
      const variable = { weight: 'kernel', ...KERAS_OF }[parameter.split('.').at(-1) ?? ''] ?? 'bias';
      return `${parameter.split('.').slice(0, -1).join('_')}/${variable}`;
    };
    for (const prefix of ['', 'model_1/']) {
      const tensors = graph.parameters.map(({ name, shape }) =>
        entry(prefix + keras(name), shape, values.get(name) ?? new Float32Array(0)),
      );
      const { parameters, report } = await load(graph, fileOf(tensors.reverse(), 'keras'), { mapping: { keras } });
      expectSame(parameters, values);
      expect(report.missing).toEqual([]);
    }
  });

  test('by equal names of layers', async () => {
    const tensors = kerasTensors(graph, values, (layer) => layer).reverse();
    const { parameters } = await load(graph, fileOf(tensors, 'keras'));
    expectSame(parameters, values);
  });

  test('by order', async () => {
    let count = 0;
    const names = new Map<string, string>();
    const layerOf = (layer: string) => {
      if (!names.has(layer)) names.set(layer, `layer_${count++}`);
      return names.get(layer) ?? '';
    };
    const { parameters, report } = await load(graph, fileOf(kerasTensors(graph, values, layerOf), 'keras'));
    expectSame(parameters, values);
    expect(report.notes?.[0]).toMatch(/order/);
  });

  test('a kernel that reads blue first is turned round', async () => {
    const tensors = kerasTensors(graph, values, (layer) => layer);
    const kerasInput = { mean: [0, 0, 0], std: [1, 1, 1], channels: 'bgr' } as const;
    const { parameters } = await load(graph, fileOf(tensors, 'keras'), { mapping: { kerasInput } });
    const stem = values.get('stem.conv.weight') ?? [];
    const turned = parameters.get('stem.conv.weight') ?? new Float32Array(0);
    // [h, w, channel, filter] with 32 filters: red of the first filter was its blue.
    expect([turned[0], turned[32], turned[64]]).toEqual([stem[64], stem[32], stem[0]]);
    expect(turned.length).toBe(stem.length);
    expect(parameters.get('stem.bn.weight')).toEqual(values.get('stem.bn.weight'));
  });
});

describe('refused:', () => {
  test('weights of another model, which is named', async () => {
    const other = mobilenet({ ...build, classes: 1000 });
    const error = await refusal(small, fileOf(stateDict(other, randomParameters(other), (name) => `model.${name}`)));
    expect(error.code).toBe('weights-mismatch');
    expect(error.message).toMatch(/"a file" have 0 of the 65 tensors/);
    expect(error.message).toContain('MobileNetV2');
    expect(error.hint).toContain('mobilenetv2_100');
  });

  test('but a sibling that shares most of its tensors is loaded with a doubt', async () => {
    const graph = await buildModel('resnet50', build);
    const values = new Map(graph.parameters.map(({ name, shape }) => [name, new Float32Array(elements(shape))]));
    const sibling = await buildModel('resnet34', build);
    const entries = sibling.parameters.map((specification) => {
      const shape = pyTorchShape(specification);
      return entry(specification.name, shape, new Float32Array(elements(shape)));
    });
    const { report } = await loadWeights(graph, fileOf(entries), values, { source: 'a file' });
    expect(report.backbone.loaded).toBeLessThan(0.6 * report.backbone.total);
    expect(report.notes).toEqual(['They look like weights of another model, ResNet-34 (resnet34).']);
  });

  test('and a file that lacks some of the model’s own tensors without one', async () => {
    const tensors = stateDict(small, randomParameters(small)).filter(({ name }) => !/^blocks\.[45]\.pw/.test(name));
    const { report } = await load(small, fileOf(tensors));
    expect(report.missing.length).toBe(10);
    expect(report.notes).toEqual([]);
  });

  test('weights of no model that is known', async () => {
    const error = await refusal(small, fileOf([entry('a', [2, 3], new Float32Array(6))]));
    expect(error.message).not.toContain('look like');
  });

  test('less than half of the backbone, and not a tensor more', async () => {
    const tensors = stateDict(small, randomParameters(small)).filter(({ name }) => !name.includes('num_batches'));
    const { report } = await load(small, fileOf(tensors));
    const half = Math.ceil(report.backbone.total / 2);
    await expect(load(small, fileOf(tensors.slice(0, half)))).resolves.toBeDefined();
    expect(await refusal(small, fileOf(tensors.slice(0, half - 1)))).toMatchObject({ code: 'weights-mismatch' });
  });
});
