// The whole export: written, loaded again, compared, packed. A format that does not compute what the model computes is withheld:
// each deliberate mistake below must be seen.
import * as onnxRuntime from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import type { TfjsEngine } from '$lib/engines/tfjs/engine';
import { GraphBuilder } from '$lib/graph/builder';
import type { Value } from '$lib/graph/builder';
import type { Graph, GraphNode } from '$lib/graph/types';
import { readBundle } from '$lib/interchange/bundle/read';
import { readBytes } from '$lib/interchange/bytes';
import type { ExportEvent, ExportFile, TrainedModel } from '$lib/interchange/contract';
import { exportModel } from '$lib/interchange/export';
import type { ExportRequest, ExportResult } from '$lib/interchange/export';
import { decodeOnnx } from '$lib/interchange/onnx/decode';
import { encodeOnnx } from '$lib/interchange/onnx/encode';
import type { OnnxModel, OnnxNode } from '$lib/interchange/onnx/model';
import { writeOnnx } from '$lib/interchange/onnx/write';
import { floatValues, readSafetensors } from '$lib/interchange/safetensors/read';
import { writeTfjs } from '$lib/interchange/tfjs/write';
import type { CheckImages } from '$lib/interchange/verify/check';
import { difference } from '$lib/interchange/verify/compare';
import { onnxRunner } from '$lib/interchange/verify/onnx-runtime';
import type { LoadModel } from '$lib/interchange/verify/runner';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import { nodeEngine } from './support/engine';
import { randomImages, trainedModel } from './support/models';
import { trainedTiny } from './support/trained';

let engine: TfjsEngine;
beforeAll(async () => {
  engine = await nodeEngine('wasm');
});

const loadOnnx = onnxRunner(onnxRuntime);

/** Twenty images: more than one batch of the check. */
function byteImages(model: TrainedModel, count = 20): CheckImages {
  const [height, width, channels] = model.graph.nodes[0].shape;
  const shape = [count, height, width, channels] as const;
  return { images: Uint8Array.from(randomImages(shape), (value) => Math.floor(value * 256)), shape };
}

function run(model: TrainedModel, changes: Partial<ExportRequest> = {}): Promise<ExportResult> {
  return exportModel({
    model,
    formats: ['onnx', 'tfjs', 'safetensors', 'pytorch'],
    bundle: false,
    images: byteImages(model),
    runners: { engine, onnx: loadOnnx, tfjs: tfjsRunner },
    ...changes,
  });
}

describe('a right export', () => {
  test('is verified in every format and packed', async () => {
    const model = trainedTiny();
    const events: ExportEvent[] = [];
    const { report, files, bundle } = await run(model, { bundle: true, onEvent: (event) => events.push(event) });
    expect(report.formats.map(({ format, status, reason }) => [format, status, reason])).toEqual([
      ['onnx', 'verified', ''],
      ['tfjs', 'verified', ''],
      ['safetensors', 'verified', ''],
      ['pytorch', 'verified', ''],
    ]);
    for (const { relativeDifference, tolerance, images } of report.formats) {
      expect(tolerance).toBe(1e-4);
      expect(images).toBe(20);
      // What is reachable; the reader of the report sees how far below the limit it is.
      expect(relativeDifference).toBeLessThan(1e-5);
    }
    expect(files.map(({ path }) => path)).toEqual([
      'model.onnx',
      'tfjs/model.json',
      'tfjs/group1-shard1of1.bin',
      'model.safetensors',
      'model.pth',
    ]);
    for (const { format, files: listed } of report.formats) {
      for (const { path, bytes } of listed) {
        expect(files.find((file) => file.path === path)?.blob.size, `${format} ${path}`).toBe(bytes);
      }
    }
    expect(report.bundle).toEqual({ path: 'bundle.zip', bytes: bundle?.size });
    expect(
      events.map((event) => (event.type === 'phase' ? `${event.phase} ${event.format}` : event.report.format)),
    ).toEqual([
      'reference null',
      'writing onnx',
      'checking onnx',
      'onnx',
      'writing tfjs',
      'checking tfjs',
      'tfjs',
      'writing safetensors',
      'checking safetensors',
      'safetensors',
      'writing pytorch',
      'checking pytorch',
      'pytorch',
      'bundling null',
    ]);
  });

  test('without normalisation inside is verified on images normalised outside', async () => {
    const { report } = await run(trainedTiny(), { normalization: false });
    expect(report.formats.map(({ status }) => status)).toEqual(Array(4).fill('verified'));
  });

  test('of a model without activation has logits alone', async () => {
    const task = { id: 'regression', activation: { name: 'none', kind: 'none' as const } };
    const { report, files } = await run(trainedTiny({ task }));
    expect(report.formats.map(({ status }) => status)).toEqual(Array(4).fill('verified'));
    expect(decodeOnnx(await readBytes(files[0].blob)).outputs.map(({ name }) => name)).toEqual(['logits']);
  });

  test('of a model with a sigmoid has its probabilities', async () => {
    const task = { id: 'tags', activation: { name: 'probabilities', kind: 'sigmoid' as const } };
    expect((await run(trainedTiny({ task }))).report.formats.every(({ status }) => status === 'verified')).toBe(true);
  });

  test('leaves no tensor behind', async () => {
    const before = engine.memory();
    await run(trainedTiny());
    expect(engine.memory()).toEqual(before);
  });

  test('writes weights in shards of at most 4 MB that are read back in order', async () => {
    const builder = new GraphBuilder([8, 8]);
    const wide = builder.linear('wide', builder.reshape(builder.input, [192]), { features: 6000 });
    const model = trainedModel(builder.build(builder.linear('out', wide, { features: 3 })));
    const { report, files } = await run(model, { formats: ['tfjs'] });
    expect(report.formats[0].status).toBe('verified');
    expect(files.map(({ path }) => path)).toEqual([
      'tfjs/model.json',
      'tfjs/group1-shard1of2.bin',
      'tfjs/group1-shard2of2.bin',
    ]);
    for (const { blob } of files) expect(blob.size).toBeLessThanOrEqual(4 * 1024 * 1024);
  });
});

/** A graph of one layer on a 9 x 12 image, so that a mistake in it is not drowned. */
function graphOf(make: (builder: GraphBuilder, image: Value) => Value): Graph {
  const builder = new GraphBuilder([9, 12]);
  const last = builder.activation(make(builder, builder.input), 'relu');
  return builder.build(builder.linear('head', builder.globalAvgPool(last), { features: 3 }));
}

type Tamper<T extends GraphNode['op']> = (node: Extract<GraphNode, { op: T }>) => GraphNode;

function changed<T extends GraphNode['op']>(model: TrainedModel, op: T, tamper: Tamper<T>): TrainedModel {
  let touched = 0;
  const nodes = model.graph.nodes.map((node) => {
    if (node.op !== op) return node;
    touched++;
    return tamper(node as Extract<GraphNode, { op: T }>); // Its op was just compared.
  });
  if (touched === 0) throw new Error(`The graph has no ${op}.`);
  return { ...model, graph: { ...model.graph, nodes } };
}

/** Runs that load, instead of what was written, what the wrong model writes. */
function writtenFrom(wrong: TrainedModel): { onnx: LoadModel; tfjs: LoadModel } {
  const options = { normalization: true };
  return {
    onnx: () => loadOnnx([{ path: 'model.onnx', blob: writeOnnx(wrong, options) }]),
    tfjs: () => tfjsRunner(writeTfjs(wrong, options)),
  };
}

async function expectSeen(model: TrainedModel, wrong: TrainedModel): Promise<void> {
  const right = await run(model, { formats: ['onnx', 'tfjs'] });
  expect(right.report.formats.map(({ status }) => status)).toEqual(['verified', 'verified']);
  const { report, files } = await run(model, { formats: ['onnx', 'tfjs'], runners: { engine, ...writtenFrom(wrong) } });
  for (const { status, reason, relativeDifference } of report.formats) {
    expect(status).toBe('failed');
    expect(reason).toMatch(/^Its logits differ by \d+e[-+]\d+ of the largest one; 1e-4 is allowed\.$/);
    expect(relativeDifference).toBeGreaterThan(1e-4);
  }
  expect(files).toEqual([]);
}

describe('a mistake is seen and its files withheld:', () => {
  test('another batch-norm epsilon', async () => {
    const model = trainedModel(
      graphOf((b, x) => b.batchNorm('norm', b.conv2d('conv', x, { filters: 8, kernel: 3, padding: 1, bias: false }))),
    );
    // 1e-5 and 1e-3 are the two that libraries use.
    const wrong = changed(model, 'batch_norm', (node) => ({
      ...node,
      attributes: { ...node.attributes, epsilon: 1e-3 },
    }));
    await expectSeen(model, wrong);
  });

  test('top and bottom padding exchanged', async () => {
    const model = trainedModel(
      graphOf((b, x) => b.conv2d('conv', x, { filters: 8, kernel: 3, stride: 2, padding: [0, 1, 0, 1] })),
    );
    const wrong = changed(model, 'conv2d', (node) => ({
      ...node,
      attributes: { ...node.attributes, padding: [1, 0, 1, 0] },
    }));
    await expectSeen(model, wrong);
  });

  test('another coordinate mode of resize', async () => {
    const model = trainedModel(
      graphOf((b, x) => b.resize(x, { size: [17, 20], method: 'bilinear', alignCorners: false })),
    );
    const wrong = changed(model, 'resize', (node) => ({
      ...node,
      attributes: { ...node.attributes, alignCorners: true },
    }));
    await expectSeen(model, wrong);
  });

  test('average pooling that counts its padding', async () => {
    const model = trainedModel(
      graphOf((b, x) => b.avgPool(x, { kernel: 3, stride: 2, padding: 1, countIncludePad: false })),
    );
    const wrong = changed(model, 'avg_pool', (node) => ({
      ...node,
      attributes: { ...node.attributes, countIncludePad: true },
    }));
    await expectSeen(model, wrong);
  });

  test('a standard deviation that is a little off', async () => {
    const model = trainedModel(graphOf((b, x) => b.conv2d('conv', x, { filters: 8, kernel: 3 })));
    const wrong = { ...model, preprocess: { ...model.preprocess, std: [0.21, 0.321, 0.25] as const } };
    await expectSeen(model, wrong);
  });
});

/** Rewrites the ONNX file between writing and loading, as a bug in the writer would. */
function tamperedOnnx(tamper: (model: OnnxModel) => OnnxModel): LoadModel {
  return async (files: readonly ExportFile[]) => {
    const model = tamper(decodeOnnx(await readBytes(files[0].blob)));
    return loadOnnx([{ path: 'model.onnx', blob: encodeOnnx(model) }]);
  };
}

function editNodes(op: string, edit: (node: OnnxNode) => OnnxNode): (model: OnnxModel) => OnnxModel {
  return (model) => ({ ...model, nodes: model.nodes.map((node) => (node.op === op ? edit(node) : node)) });
}

describe('a mistake in the bytes of the ONNX file is seen:', () => {
  const normed = (): TrainedModel =>
    trainedModel(
      graphOf((b, x) => {
        // Read twice, so that the norm is not folded.
        const y = b.conv2d('conv', x, { filters: 8, kernel: 3, padding: [0, 1, 0, 1], stride: 2 });
        return b.add(b.batchNorm('norm', y), y);
      }),
    );

  test.each<[title: string, model: () => TrainedModel, tamper: (model: OnnxModel) => OnnxModel]>([
    [
      'a batch norm with epsilon 1e-3',
      normed,
      editNodes('BatchNormalization', (node) => ({ ...node, attributes: { epsilon: { type: 'float', value: 1e-3 } } })),
    ],
    [
      'pads in the order top, bottom, left, right',
      normed,
      editNodes('Conv', (node) => ({
        ...node,
        attributes: { ...node.attributes, pads: { type: 'ints', value: [0, 1, 0, 1] } },
      })),
    ],
    [
      'a resize by corners',
      () => trainedModel(graphOf((b, x) => b.resize(x, { size: [17, 20], method: 'bilinear', alignCorners: false }))),
      editNodes('Resize', (node) => ({
        ...node,
        attributes: { ...node.attributes, coordinate_transformation_mode: { type: 'string', value: 'asymmetric' } },
      })),
    ],
    [
      'an average that counts padding',
      () => trainedModel(graphOf((b, x) => b.avgPool(x, { kernel: 3, stride: 2, padding: 1, countIncludePad: false }))),
      editNodes('AveragePool', (node) => ({
        ...node,
        attributes: { ...node.attributes, count_include_pad: { type: 'int', value: 1 } },
      })),
    ],
    [
      'the hard sigmoid of Keras',
      () =>
        trainedModel(graphOf((b, x) => b.activation(b.conv2d('conv', x, { filters: 8, kernel: 3 }), 'hard_sigmoid'))),
      editNodes('HardSigmoid', (node) => ({
        ...node,
        attributes: { ...node.attributes, alpha: { type: 'float', value: 0.2 } },
      })),
    ],
    [
      'a softmax over the batch',
      () => trainedTiny(),
      editNodes('Softmax', (node) => ({ ...node, attributes: { axis: { type: 'int', value: 0 } } })),
    ],
    [
      'one weight of the first layer',
      () => trainedModel(graphOf((b, x) => b.conv2d('conv', x, { filters: 8, kernel: 3 }))),
      (model) => ({
        ...model,
        initializers: model.initializers.map((tensor) =>
          tensor.name === 'conv.weight' && tensor.type === 'float32'
            ? { ...tensor, values: tensor.values.map((value, at) => (at === 5 ? value + 0.01 : value)) }
            : tensor,
        ),
      }),
    ],
  ])('%s', async (_title, model, tamper) => {
    const runners = { engine, onnx: tamperedOnnx(tamper), tfjs: tfjsRunner };
    const { report } = await run(model(), { formats: ['onnx'], runners });
    expect(report.formats[0].status).toBe('failed');
    expect(report.formats[0].reason).toMatch(/^Its (logits|probabilities) differ/);
  });

  test('an output that is missing', async () => {
    const onnx = tamperedOnnx((model) => ({ ...model, outputs: model.outputs.slice(0, 1) }));
    const { report } = await run(trainedTiny(), { formats: ['onnx'], runners: { engine, onnx, tfjs: tfjsRunner } });
    expect(report.formats[0]).toMatchObject({ status: 'failed', reason: 'It has no output "probabilities".' });
  });

  test('a file that the runtime does not take', async () => {
    const onnx = tamperedOnnx((model) => ({ ...model, opset: 99 }));
    const { report } = await run(trainedTiny(), { formats: ['onnx'], runners: { engine, onnx, tfjs: tfjsRunner } });
    expect(report.formats[0]).toMatchObject({ status: 'failed', maxDifference: null });
    expect(report.formats[0].reason).toMatch(/^It cannot be loaded again: /);
  });
});

test('a bundle holds verified formats alone', async () => {
  const onnx: LoadModel = () => Promise.reject(new Error('no such kernel'));
  const { report, files, bundle } = await run(trainedTiny(), {
    formats: ['onnx'],
    bundle: true,
    runners: { engine, onnx, tfjs: tfjsRunner },
  });
  expect(report.formats.map(({ format, status }) => [format, status])).toEqual([
    ['onnx', 'failed'],
    ['safetensors', 'verified'],
  ]);
  expect(files.map(({ path }) => path)).toEqual(['model.safetensors']);
  if (bundle === null) throw new Error('There is no bundle.');
  const { openArchive } = await import('$lib/data/archive/archive');
  const paths = (await openArchive(bundle, 'bundle')).files.map(({ path }) => path);
  expect(paths).toContain('model.safetensors');
  expect(paths).not.toContain('model.onnx');
  expect(paths).not.toContain('examples/predict_onnx.py');
  expect((await readBundle(bundle)).classes).toEqual(trainedTiny().classes);
});

test('a bundle opened again exports the same files', async () => {
  const model = trainedTiny();
  const first = await run(model, { bundle: true });
  if (first.bundle === null) throw new Error('There is no bundle.');
  const again = await run(await readBundle(first.bundle));
  for (const [index, { path, blob }] of first.files.entries()) {
    expect(Buffer.compare(await readBytes(blob), await readBytes(again.files[index].blob)), path).toBe(0);
  }
});

test('safetensors hold what the engine trained, in PyTorch’s layout', async () => {
  const model = trainedTiny();
  const { files } = await run(model, { formats: ['safetensors'] });
  const { tensors } = await readSafetensors(files[0].blob);
  const weight = tensors.get('classifier.weight');
  if (weight === undefined) throw new Error('There is no classifier.');
  const ours = model.parameters.get('classifier.weight');
  // [out, in] there, [in, out] here.
  expect(floatValues(weight)[256 + 3]).toBe(ours?.[3 * 4 + 1]);
});

test('without held-out images nothing can be verified', async () => {
  const images = { images: new Uint8Array(0), shape: [0, 24, 32, 3] as const };
  await expect(run(trainedTiny(), { images })).rejects.toMatchObject({ code: 'check-images' });
});

test('a diverged model is refused with the reason', async () => {
  const model = trainedTiny();
  const parameters = new Map(model.parameters).set('classifier.bias', new Float32Array([NaN, 0, 0, 0]));
  await expect(run({ ...model, parameters })).rejects.toMatchObject({ code: 'reference-not-finite' });
});

test('an export that is cancelled ends at the next step', async () => {
  const controller = new AbortController();
  const phases: ExportEvent[] = [];
  const onEvent = (event: ExportEvent): void => {
    phases.push(event);
    if (event.type === 'phase' && event.phase === 'checking') controller.abort();
  };
  const error: unknown = await run(trainedTiny(), { onEvent, signal: controller.signal }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TrainyardError);
  expect(error).toMatchObject({ code: 'cancelled' });
  expect(phases.filter(({ type }) => type === 'format')).toEqual([]);
});

test('differences are relative to the largest value, and what is no number is infinite', () => {
  expect(difference(new Float32Array([4, -8]), new Float32Array([4, -6]))).toEqual({ max: 2, relative: 0.25 });
  expect(difference(new Float32Array([0, 0]), new Float32Array([0, 0]))).toEqual({ max: 0, relative: 0 });
  expect(difference(new Float32Array([0]), new Float32Array([1])).relative).toBe(Infinity);
  expect(difference(new Float32Array([1]), new Float32Array([NaN])).max).toBe(Infinity);
  expect(difference(new Float32Array([1]), new Float32Array([1, 2])).max).toBe(Infinity);
});
