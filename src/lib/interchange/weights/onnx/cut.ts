// Edits ONNX files without decoding them: a new file is put together from slices of the old one and a few parts of our own.

import { TrainyardError } from '$lib/core/errors';
import { FIELDS } from '../../onnx/model';
import type { OnnxModel, OnnxNode, OnnxTensor } from '../../onnx/model';
import { encodeInitializer, encodeNode, encodePort } from '../../onnx/encode';
import { ProtobufWriter } from '../../onnx/protobuf-writer';
import { formOf } from './features';
import type { OnnxFile } from './file';
import type { Range } from './ranges';
import { neededNodes } from './walk';

/** What our own tensors in such a file are called; the file's own names do not begin so. */
export function ownPrefix(file: OnnxFile): string {
  const names = [
    ...file.initializers.keys(),
    ...file.nodes.flatMap(({ name, outputs }) => [name, ...outputs]),
    ...file.inputs.map(({ name }) => name),
  ];
  let prefix = 'trainyard/';
  while (names.some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  return prefix;
}

/** The part of a file that computes its features, as a list of the graph's fields. */
export interface CutGraph {
  fields: Blob[];
  nodes: OnnxNode[];
  initializers: OnnxTensor[];
  /** [batch, features], float32. */
  features: string;
}

/** ONNX changed what our few operations take: axes of a mean became an input in opset 18. */
function reduceMean(
  input: string,
  output: string,
  axis: number,
  prefix: string,
  opset: number,
): Pick<CutGraph, 'nodes' | 'initializers'> {
  const keepdims = { type: 'int', value: 0 } as const;
  const node = { name: output, op: 'ReduceMean', outputs: [output] };
  if (opset < 18) {
    return {
      nodes: [{ ...node, inputs: [input], attributes: { axes: { type: 'ints', value: [axis] }, keepdims } }],
      initializers: [],
    };
  }
  const axes = `${prefix}axes`;
  return {
    nodes: [{ ...node, inputs: [input, axes], attributes: { keepdims } }],
    initializers: [{ name: axes, shape: [1], type: 'int64', values: [axis] }],
  };
}

/** Throws `weights-unreadable` when the file has no such tensor. */
export function cutAtFeatures(file: OnnxFile, features: { output: string; features: number }): CutGraph {
  const { output, features: length } = features;
  const prefix = ownPrefix(file);
  const opset = file.opsets.get('') ?? 1;
  // Subgraphs read by name whatever lies around them: nothing can be left out then.
  const whole = file.nodes.some(({ subgraphs }) => subgraphs);
  const nodes = whole ? file.nodes : neededNodes(file, [output]);
  if (!file.nodes.some(({ outputs }) => outputs.includes(output))) {
    throw new TrainyardError(
      'weights-unreadable',
      `The ONNX file has no tensor "${output}", which should give its features.`,
      'Choose the file that the model was trained with.',
    );
  }
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = [...file.initializers.values()].filter(({ name }) => whole || read.has(name));
  const inputs = file.inputs.filter(({ name }) => !file.initializers.has(name));
  const name = file.rest.graph.filter(({ number }) => number === FIELDS.graph.name);
  const ranges: Range[] = [...nodes, ...initializers, ...inputs].map(({ field }) => field);
  const fields = slices(file.blob, [...ranges.slice(0, nodes.length), ...name, ...ranges.slice(nodes.length)]);
  const form = formOf(file, output);
  const float = `${prefix}float`;
  const result = `${prefix}features`;
  // Half-precision files give half-precision features.
  const own: OnnxNode[] = [
    { name: float, op: 'Cast', inputs: [output], outputs: [float], attributes: { to: { type: 'int', value: 1 } } },
  ];
  const constants: OnnxTensor[] = [];
  const shape = `${prefix}shape`;
  switch (form) {
    case 'vector':
      own.push({ name: result, op: 'Identity', inputs: [float], outputs: [result], attributes: {} });
      break;
    case 'image': {
      const mean = `${prefix}mean`;
      own.push({ name: mean, op: 'GlobalAveragePool', inputs: [float], outputs: [mean], attributes: {} });
      own.push({
        name: result,
        op: 'Flatten',
        inputs: [mean],
        outputs: [result],
        attributes: { axis: { type: 'int', value: 1 } },
      });
      break;
    }
    case 'rows': {
      // Whatever lies between the batch and the features is averaged; of a vector that is one row.
      const rows = `${prefix}rows`;
      constants.push({ name: shape, shape: [3], type: 'int64', values: [0, -1, length] });
      own.push({ name: rows, op: 'Reshape', inputs: [float, shape], outputs: [rows], attributes: {} });
      const mean = reduceMean(rows, result, 1, prefix, opset);
      own.push(...mean.nodes);
      constants.push(...mean.initializers);
      break;
    }
    default:
      form satisfies never;
  }
  return { fields, nodes: own, initializers: constants, features: result };
}

/** These parts of the file, neighbours together. */
function slices(blob: Blob, ranges: readonly Range[]): Blob[] {
  const result: Blob[] = [];
  let open: Range | null = null;
  for (const { start, end } of ranges) {
    if (open !== null && open.end === start) {
      open = { start: open.start, end };
      continue;
    }
    if (open !== null) result.push(blob.slice(open.start, open.end));
    open = { start, end };
  }
  if (open !== null) result.push(blob.slice(open.start, open.end));
  return result;
}

/** Parts of our own as fields of a graph. */
export function graphFields(parts: Pick<OnnxModel, 'nodes' | 'initializers' | 'inputs' | 'outputs'>): Blob {
  const fields = FIELDS.graph;
  return new ProtobufWriter()
    .messages(fields.node, parts.nodes.map(encodeNode))
    .messages(fields.initializer, parts.initializers.map(encodeInitializer))
    .messages(fields.input, parts.inputs.map(encodePort))
    .messages(fields.output, parts.outputs.map(encodePort))
    .toBlob();
}

/** A whole file: the fields of the old model beside its graph (but for those numbered in `without`), then the new graph. */
export function assembled(
  file: OnnxFile,
  graph: readonly Blob[],
  { without = [], more = new ProtobufWriter() }: { without?: readonly number[]; more?: ProtobufWriter } = {},
): Blob {
  const kept = file.rest.model.filter(({ number }) => !without.includes(number) && number !== FIELDS.model.irVersion);
  const content = new Blob([...graph]);
  const head = new ProtobufWriter()
    // Before version 4 every constant had to be an input, too.
    .integer(FIELDS.model.irVersion, Math.max(4, file.irVersion));
  return new Blob([
    head.toBlob(),
    ...slices(file.blob, kept),
    more.toBlob(),
    lengthDelimited(FIELDS.model.graph, content.size),
    content,
  ]);
}

function lengthDelimited(field: number, length: number): Blob {
  return new ProtobufWriter().header(field, length).toBlob();
}

/** The file that gives its features and nothing else. */
export function featureFile(
  file: OnnxFile,
  extractor: { output: string; features: number },
): { blob: Blob; output: string } {
  const { fields, nodes, initializers, features } = cutAtFeatures(file, extractor);
  const outputs = [{ name: features, shape: ['batch', extractor.features] }];
  const own = graphFields({ nodes, initializers, inputs: [], outputs });
  return { blob: assembled(file, [...fields, own]), output: features };
}
