// What ONNX Runtime computes from a file, and what the network imported from the same file computes.
import * as ort from 'onnxruntime-node';
import type { Engine } from '$lib/engines/contract';
import { elements } from '$lib/graph/ops/operation';
import type { Graph } from '$lib/graph/types';
import { readBytes } from '$lib/interchange/bytes';
import { toChannelsFirst } from '$lib/interchange/verify/runner';
import type { ImageShape } from '$lib/interchange/verify/runner';
import type { ImportedArchitecture } from '$lib/interchange/weights/contract';
import { openOnnx } from '$lib/interchange/weights/onnx/open';

/** The file's own answer: its first output, or the one that is named. */
export async function runtimeOutput(
  blob: Blob,
  images: Float32Array,
  shape: ImageShape,
  { layout = 'NCHW', output }: { layout?: 'NCHW' | 'NHWC'; output?: string } = {},
): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(await readBytes(blob), { logSeverityLevel: 3 });
  const [count, height, width, channels] = shape;
  const input =
    layout === 'NHWC'
      ? new ort.Tensor('float32', images, [...shape])
      : new ort.Tensor('float32', toChannelsFirst(images, shape), [count, channels, height, width]);
  const results = await session.run({ [session.inputNames[0]]: input });
  const { data } = results[output ?? session.outputNames[0]];
  await session.release();
  if (!(data instanceof Float32Array)) throw new Error('not float32');
  return data;
}

/** The network of a file; fails with the reason where it is none that trains. */
export async function imported(blob: Blob): Promise<ImportedArchitecture> {
  const result = await (await openOnnx(blob, 'model.onnx')).architecture();
  if (result.kind !== 'graph') throw new Error(JSON.stringify(result));
  return result.architecture;
}

/** What the imported network makes of the same images: the importer has taken the file's own normalisation out. */
export async function importedOutput(
  engine: Engine,
  blob: Blob,
  images: Float32Array,
  shape: ImageShape,
  options: { features?: boolean } = {},
): Promise<{ output: Float32Array; features?: Float32Array }> {
  const { graph, parameters } = await imported(blob);
  const { mean, std } = (await openOnnx(blob, 'model.onnx')).preprocess ?? { mean: [0, 0, 0], std: [1, 1, 1] };
  const predictor = engine.predictor(graph, parameters);
  try {
    const normal = images.map((value, at) => (value - mean[at % 3]) / std[at % 3]);
    return await predictor.predict(
      { images: normal, shape, targets: { values: new Float32Array(0), shape: [0] } },
      options,
    );
  } finally {
    predictor.dispose();
  }
}

/** The graph with a linear layer on all of its output, so that every value and its place count. */
export function probed(graph: Graph): Graph {
  const end = graph.nodes.find(({ id }) => id === graph.output);
  const inputs = elements(end?.shape ?? []);
  return {
    nodes: [
      ...graph.nodes,
      {
        id: 'flat',
        op: 'reshape',
        inputs: [graph.output],
        attributes: { shape: [inputs] },
        parameters: {},
        shape: [inputs],
      },
      {
        id: 'probe',
        op: 'linear',
        inputs: ['flat'],
        attributes: { features: 6 },
        parameters: { weight: 'probe.weight' },
        shape: [6],
      },
    ],
    output: 'probe',
    parameters: [
      ...graph.parameters,
      {
        name: 'probe.weight',
        shape: [inputs, 6],
        layout: 'linear',
        trainable: true,
        decay: true,
        initializer: { kind: 'zeros' },
      },
    ],
  };
}
