// The network of an ONNX file as a graph that trains.

import { TrainyardError } from '$lib/core/errors';
import type { Value } from '$lib/graph/builder';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { ArchitectureResult, ImportedArchitecture } from '../contract';
import { classifierOf } from './classifier';
import { Unsupported } from './constant';
import type { FileNode, OnnxFile } from './file';
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
    if (error instanceof Unsupported)
      return { kind: 'unsupported', reason: error.reason, unsupported: error.operations };
    if (error instanceof TrainyardError) return { kind: 'unsupported', reason: error.message, unsupported: [] };
    throw error;
  }
}

/** The output that gives the logits: without the softmax that may follow, and of several the one that the others come from. */
function logitsOf(file: OnnxFile): string {
  const [output] = file.outputs;
  if (output === undefined) throw new Unsupported('It has no output.');
  const makers = new Map(file.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
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
  const classifier = classifierOf(file, output);
  let features: Value | null = null;
  for (const node of nodes) {
    if (node === classifier?.node) features = await readClassifier(importer, node, classifier.features);
    else await readNode(importer, node);
  }
  const logits = importer.values.get(output);
  if (logits?.what !== 'activation') throw new Unsupported('Its output does not depend on the image.');
  const end = vectorOf(importer, logits);
  // Without a classifier the output itself is the embedding.
  const made = importer.finish(end, features ?? (classifier === null ? end : null));
  return { title: titleOf(file), ...(step === null ? made : withoutLeadingStep(made)) };
}

/** Reads the last layer; returns the vector that it reads. */
async function readClassifier(importer: Importer, node: FileNode, features: string): Promise<Value | null> {
  const x = importer.values.get(features);
  await readNode(importer, node);
  if (x?.what !== 'activation') return null;
  const { builder } = importer;
  const shape = x.axes.map((axis) => (axis === -1 ? 1 : x.value.shape[axis]));
  const long = shape.filter((length) => length !== 1);
  if (x.axes.length === 2) return x.value;
  if (long.length === 1 && x.axes[0] === -1) return reshape(builder, x, long).value;
  // A classifier at every place, averaged afterwards: SqueezeNet.
  if (x.axes.length === 4) return builder.globalAvgPool(arranged(builder, x, [2, 3, 1]));
  return null;
}

/** [features] for each image; images are averaged. */
function vectorOf({ builder }: Importer, x: Activation): Value {
  const shape = x.axes.map((axis) => (axis === -1 ? 1 : x.value.shape[axis]));
  const long = shape.filter((length) => length !== 1);
  if (x.axes[0] === -1 && long.length <= 1) return reshape(builder, x, long.length === 0 ? [1] : long).value;
  if (x.axes.length === 4 && x.axes[0] === -1) return builder.globalAvgPool(arranged(builder, x, [2, 3, 1]));
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
