// The network of an ONNX file as a graph that trains.

import { TrainyardError } from '$lib/core/errors';
import type { Value } from '$lib/graph/builder';
import type { Graph, GraphNode, OpName, ParameterValues } from '$lib/graph/types';
import type { ArchitectureResult, ImportedArchitecture, ImportedExtractor } from '../contract';
import { Unsupported } from './constant';
import { featuresTensor, makersOf } from './features';
import { realInputs } from './file';
import type { OnnxFile } from './file';
import { Importer } from './importer';
import { imageInput, inputActivation } from './input';
import type { LeadingStep } from './input';
import { arranged, reshape } from './traced';
import type { Activation } from './traced';
import { neededNodes, readNode, unknownOperations } from './walk';

/** Never throws what a file can cause. */
export async function importArchitecture(file: OnnxFile, step: LeadingStep | null): Promise<ArchitectureResult> {
  try {
    return { kind: 'graph', architecture: await importGraph(file, step) };
  } catch (error) {
    if (error instanceof TrainyardError) return { kind: 'unsupported', reason: error.message, unsupported: [] };
    if (!(error instanceof Unsupported)) throw error;
    const { reason, operations: unsupported } = error;
    const extractor = extractorOf(file);
    return extractor === null
      ? { kind: 'unsupported', reason, unsupported }
      : { kind: 'extractor', extractor, reason, unsupported };
  }
}

/** Before it, sums and products lined their axes up in another way. */
const OLDEST_OPSET = 7;

/** Sets of operations that ONNX Runtime has. */
const RUNTIME_DOMAINS: readonly string[] = ['', 'ai.onnx.ml', 'com.microsoft'];
const FLOAT16 = 10;

/** The file as something that ONNX Runtime computes features with; null where it is no network of images or has no such tensor. */
function extractorOf(file: OnnxFile): ImportedExtractor | null {
  try {
    const { name, layout, imageSize } = imageInput(file);
    const output = logitsOf(file);
    const nodes = neededNodes(file, [output]);
    const found = featuresTensor(file, output, nodes);
    const runs = file.unusual !== null || nodes.every(({ domain }) => RUNTIME_DOMAINS.includes(domain));
    const half = realInputs(file).some(({ type }) => type === FLOAT16);
    if (found === null || !runs || half || found.length < 1 || !makersOf(file).has(found.tensor)) return null;
    return {
      title: titleOf(file),
      input: { name, layout, imageSize },
      output: found.tensor,
      features: found.length,
    };
  } catch (error) {
    if (error instanceof Unsupported) return null;
    throw error;
  }
}

/** The output that gives the logits: without the softmax that may follow, and of several the one that the others come from. */
function logitsOf(file: OnnxFile): string {
  const [output] = file.outputs;
  if (output === undefined) throw new Unsupported('It has no output.');
  const makers = makersOf(file);
  let { name } = output;
  for (let count = 0; count < 64; count++) {
    const node = makers.get(name);
    if (node === undefined || !['Softmax', 'LogSoftmax', 'Identity'].includes(node.op)) break;
    [name] = node.inputs;
  }
  return name;
}

export function titleOf({ title, metadata }: OnnxFile): string {
  const known = metadata.get('model') ?? title;
  // What exporters write when nobody named the model.
  return ['', 'torch_jit', 'torch-jit-export', 'main_graph', 'tf2onnx', 'graph'].includes(known) ? 'model' : known;
}

async function importGraph(file: OnnxFile, step: LeadingStep | null): Promise<ImportedArchitecture> {
  const input = imageInput(file);
  const output = logitsOf(file);
  const nodes = neededNodes(file, [output]);
  const unknown = unknownOperations(nodes);
  const opset = file.opsets.get('') ?? 1;
  if (opset < OLDEST_OPSET)
    throw new Unsupported(`It is of opset ${opset}; ${OLDEST_OPSET} and newer can be trained here.`);
  if (file.unusual !== null) throw new Unsupported(`It has ${file.unusual}.`);
  if (unknown.length > 0) {
    const [first, ...rest] = unknown;
    throw new Unsupported(
      `It has ${rest.length === 0 ? `the operation ${first}` : `the operations ${unknown.join(', ')}`}, which cannot be trained here.`,
      unknown,
    );
  }
  const importer = new Importer(file, input.imageSize, input.batch ?? 1, file.nodes);
  importer.values.set(input.name, inputActivation(importer, input));
  for (const node of nodes) await readNode(importer, node);
  const logits = importer.values.get(output);
  if (logits?.what !== 'activation') throw new Unsupported('Its output does not depend on the image.');
  const end = vectorOf(importer, logits);
  const made = importer.finish(end, featuresOf(importer, end));
  return { title: titleOf(file), ...(step === null ? made : withoutLeadingStep(made)) };
}

/** What may lie between the classifier and the output. */
const BEHIND: ReadonlySet<OpName> = new Set<OpName>([
  'activation',
  'add',
  'affine',
  'global_avg_pool',
  'multiply',
  'reshape',
  'softmax',
  'transpose',
]);

/**
 * The embedding that the last layer reads: a vector, or [1, 1, channels]. A classifier at every place (SqueezeNet) gets the mean
 * beside it. Where there is no such layer the output is the embedding.
 */
function featuresOf({ builder }: Importer, end: Value): Value | null {
  const byId = new Map(builder.build(end).nodes.map((node) => [node.id, node]));
  const find = (id: string): GraphNode | null => byId.get(id) ?? null;
  let node = find(end.id);
  while (node !== null && BEHIND.has(node.op)) {
    // The other input of a sum may be a learned tensor.
    const [data, ...others] = node.inputs.filter((id) => find(id)?.op !== 'parameter');
    if (data === undefined || others.length > 0) return end;
    node = find(data);
  }
  if (node === null || !['linear', 'cosine_linear', 'conv2d'].includes(node.op)) return end;
  if (node.op === 'conv2d' && node.attributes.kernel.some((length) => length !== 1)) return end;
  let source = find(node.inputs[0]);
  while (source?.op === 'dropout') source = find(source.inputs[0]);
  if (source === null || source.op === 'input') return null;
  const { id, shape } = source;
  if (shape.length === 3) return shape[0] * shape[1] === 1 ? source : builder.globalAvgPool({ id, shape });
  if (shape.length === 1) return source;
  const [tokens, channels] = shape;
  return shape.length === 2 ? builder.globalAvgPool(builder.reshape(source, [tokens, 1, channels])) : null;
}

/** [features] for each image; images are averaged. */
function vectorOf({ builder }: Importer, x: Activation): Value {
  const shape = x.axes.map((axis) => (axis === -1 ? 1 : x.value.shape[axis]));
  const long = shape.filter((length) => length !== 1);
  if (x.axes[0] === -1 && long.length <= 1) return reshape(builder, x, long.length === 0 ? [1] : long).value;
  if (x.axes.length === 4 && x.axes[0] === -1) return builder.globalAvgPool(arranged(builder, x, [2, 3, 1]));
  if (x.axes.length === 3 && x.axes[0] === -1) {
    const tokens = arranged(builder, x, [1, 2]);
    return builder.globalAvgPool(builder.reshape(tokens, [tokens.shape[0], 1, tokens.shape[1]]));
  }
  throw new Unsupported(`Its output has the shape [${shape.join(', ')}]; one row of numbers for each image is needed.`);
}

/** The graph without the normalisation that it begins with: preprocessing says it. */
function withoutLeadingStep<Made extends { graph: Graph; parameters: ParameterValues }>(made: Made): Made {
  const nodes = [...made.graph.nodes];
  for (;;) {
    const [input, next] = nodes;
    const readers = nodes.filter(({ inputs }) => inputs.includes(input.id));
    if (next?.op !== 'affine' || readers.length !== 1 || readers[0] !== next) break;
    nodes.splice(1, 1);
    for (const [at, node] of nodes.entries()) {
      if (at > 0) nodes[at] = { ...node, inputs: node.inputs.map((id) => (id === next.id ? input.id : id)) };
    }
  }
  return { ...made, graph: { ...made.graph, nodes } };
}
