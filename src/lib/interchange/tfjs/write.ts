// Writes a trained model as a TF.js graph model: model.json and weight shards, NHWC, float32, dynamic batch, normalisation and
// the activation inside. `tf.loadGraphModel` takes it as it is.

import { graphDefLowerings } from '$lib/graph/ops/graphdef';
import type { GraphDefLowering, GraphDefValue } from '$lib/graph/ops/graphdef-lowering';
import type { NodeOf, OpName } from '$lib/graph/types';
import { bytesOf, utf8 } from '../bytes';
import type { ExportFile, TrainedModel } from '../contract';
import { exportGraph } from '../export-graph';
import type { GraphOptions } from '../export-graph';
import { postprocessingJson, preprocessingJson } from '../preprocessing';
import { PRODUCER, VERSION } from '../version';
import { GraphDefBuilder } from './emitter';
import { fuse } from './fuse';
import { attributeJson, shapeJson } from './model';
import type { GraphDefAttribute, GraphDefGraph, GraphDefNode, GraphDefWeight } from './model';

const FLOAT: GraphDefAttribute = { type: 'dtype', value: 'DT_FLOAT' };
const INT32: GraphDefAttribute = { type: 'dtype', value: 'DT_INT32' };
const INPUT = 'image';
const LOGITS = 'logits';
/** The limit of the official converter: browsers cache responses of this size well. */
const SHARD_BYTES = 4 * 1024 * 1024;
/** GraphDef version of TensorFlow 2.17; readers ask for at least the minimum. */
const VERSIONS = { producer: 1882, minConsumer: 12 };

interface TensorInfo {
  name: string;
  dtype: 'DT_FLOAT';
  tensorShape: ReturnType<typeof shapeJson>;
}

function lower<Op extends OpName>(node: NodeOf<Op>, inputs: readonly GraphDefValue[], emit: GraphDefBuilder): string {
  const lowering: GraphDefLowering<Op> = graphDefLowerings[node.op];
  return lowering(node, inputs, emit);
}

function tensorInfo(name: string, shape: readonly number[]): TensorInfo {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: shapeJson([-1, ...shape]) };
}

/** The model as GraphDef data, with its input and outputs by name. */
export function toGraphDef(
  model: TrainedModel,
  options: GraphOptions,
): { graph: GraphDefGraph; inputs: Record<string, TensorInfo>; outputs: Record<string, TensorInfo> } {
  const { graph, parameters } = exportGraph(model, options);
  const { name, kind } = model.task.activation;
  const outputNames = kind === 'none' ? [LOGITS] : [LOGITS, name];
  const builder = new GraphDefBuilder(INPUT, graph, parameters, outputNames);
  const values = new Map<string, GraphDefValue>();
  const [first, ...rest] = graph.nodes;
  builder.node('Placeholder', [], { dtype: FLOAT, shape: { type: 'shape', value: [-1, ...first.shape] } }, INPUT);
  values.set(first.id, { name: INPUT, shape: first.shape, batched: true });
  for (const node of rest) {
    builder.scope = node.id;
    const inputs = node.inputs.map((id) => values.get(id) ?? missing(id));
    const output = lower(node, inputs, builder);
    values.set(node.id, { name: output, shape: node.shape, batched: inputs.some((input) => input.batched) });
  }
  const logits = values.get(graph.output) ?? missing(graph.output);
  builder.node('Identity', [logits.name], {}, LOGITS);
  if (kind !== 'none') builder.node(kind === 'softmax' ? 'Softmax' : 'Sigmoid', [logits.name], {}, name);
  return {
    graph: fuse(builder.finish(outputNames), outputNames),
    inputs: { [INPUT]: tensorInfo(INPUT, first.shape) },
    outputs: Object.fromEntries(outputNames.map((output) => [output, tensorInfo(output, logits.shape)])),
  };
}

function missing(id: string): never {
  throw new Error(`The graph reads "${id}", which no earlier node makes.`);
}

function nodeJson({ name, op, inputs, attributes }: GraphDefNode): Record<string, unknown> {
  const attr = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeJson(value)]));
  return { name, op, ...(inputs.length === 0 ? {} : { input: inputs }), attr };
}

/** The values are in the shards; the node tells their type and shape. */
function constNode({ name, shape, values }: GraphDefWeight): GraphDefNode {
  const dtype = values instanceof Float32Array ? FLOAT : INT32;
  return { name, op: 'Const', inputs: [], attributes: { dtype, shape: { type: 'shape', value: shape } } };
}

/** `tfjs/model.json` and `tfjs/group1-shard1ofN.bin`. The parameters may change or go once this returns. */
export function writeTfjs(model: TrainedModel, options: GraphOptions): ExportFile[] {
  const { graph, inputs, outputs } = toGraphDef(model, options);
  const data = new Blob(graph.weights.map(({ values }) => bytesOf(values)));
  const count = Math.max(1, Math.ceil(data.size / SHARD_BYTES));
  const shards = Array.from({ length: count }, (_, index) => ({
    path: `group1-shard${index + 1}of${count}.bin`,
    blob: data.slice(index * SHARD_BYTES, (index + 1) * SHARD_BYTES, 'application/octet-stream'),
  }));
  const document = {
    format: 'graph-model',
    generatedBy: `${PRODUCER} ${VERSION}`,
    convertedBy: null,
    signature: { inputs, outputs },
    userDefinedMetadata: {
      labels: model.classes,
      preprocessing: preprocessingJson(model.preprocess, options.normalization),
      postprocessing: postprocessingJson(model.task),
      task: model.task.id,
      model: model.name,
      trainyard: VERSION,
    },
    modelTopology: { node: [...graph.weights.map(constNode), ...graph.nodes].map(nodeJson), versions: VERSIONS },
    weightsManifest: [
      {
        paths: shards.map(({ path }) => path),
        weights: graph.weights.map(({ name, shape, values }) => ({
          name,
          shape,
          dtype: values instanceof Float32Array ? 'float32' : 'int32',
        })),
      },
    ],
  };
  const json = new Blob([utf8(JSON.stringify(document))], { type: 'application/json' });
  return [{ path: 'tfjs/model.json', blob: json }, ...shards.map(({ path, blob }) => ({ path: `tfjs/${path}`, blob }))];
}
