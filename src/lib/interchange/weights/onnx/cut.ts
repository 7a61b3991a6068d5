// Edits ONNX files without decoding them: a new file is put together from slices of the old one and a few parts of our own.

import { TrainyardError } from '$lib/core/errors';
import { FIELDS } from '../../onnx/model';
import type { OnnxModel, OnnxNode, OnnxTensor } from '../../onnx/model';
import { encodeInitializer, encodeNode, encodePort } from '../../onnx/encode';
import { ProtobufWriter } from '../../onnx/protobuf-writer';
import { formOf } from './features';
import { realInputs } from './file';
import type { FileNode, OnnxFile } from './file';
import { RangeReader, readRange } from './ranges';
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
  /** The fields of its inputs. */
  inputs: Blob[];
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

/**
 * Throws `weights-unreadable` when the file has no such tensor, `name-taken` when one of the names that are `taken` cannot be given
 * up. Tensors of those names get our prefix.
 */
export async function cutAtFeatures(
  file: OnnxFile,
  features: { output: string; features: number },
  taken: readonly string[] = [],
): Promise<CutGraph> {
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
  const inputs = realInputs(file);
  const rename = new Map(taken.map((name) => [name, `${prefix}${name}`]));
  const clash =
    initializers.find(({ name }) => rename.has(name)) ??
    (whole ? nodes.find((node) => touches(node, rename)) : undefined);
  if (clash !== undefined) {
    throw new TrainyardError(
      'name-taken',
      `The ONNX file has a tensor that is called like an input or output of the export (${taken.join(', ')}).`,
      'Rename it in the file that the features come from.',
    );
  }
  const fields: Blob[] = [];
  let run: Range[] = [];
  for (const node of nodes) {
    if (!touches(node, rename)) {
      run.push(node.field);
      continue;
    }
    fields.push(...slices(file.blob, run), await renamedNode(file.blob, node.field, rename));
    run = [];
  }
  fields.push(...slices(file.blob, [...run, ...initializers.map(({ field }) => field)]));
  const form = formOf(file, output);
  const float = `${prefix}float`;
  const result = `${prefix}features`;
  // Half-precision files give half-precision features.
  const own: OnnxNode[] = [
    {
      name: float,
      op: 'Cast',
      inputs: [rename.get(output) ?? output],
      outputs: [float],
      attributes: { to: { type: 'int', value: 1 } },
    },
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
  const ports = slices(
    file.blob,
    inputs.map(({ field }) => field),
  );
  return { fields, inputs: ports, nodes: own, initializers: constants, features: result };
}

function touches({ inputs, outputs }: FileNode, names: ReadonlyMap<string, string>): boolean {
  return [...inputs, ...outputs].some((name) => names.has(name));
}

/** The field of a node, with some of its tensors called otherwise. */
async function renamedNode(blob: Blob, field: Range, names: ReadonlyMap<string, string>): Promise<Blob> {
  const fields = FIELDS.node;
  const reader = new RangeReader(blob);
  const writer = new ProtobufWriter();
  for await (const { start, end } of reader.fields(field)) {
    for await (const part of reader.fields({ start, end })) {
      if (part.number === fields.input || part.number === fields.output) {
        const name = new TextDecoder().decode(await readRange(blob, part));
        writer.string(part.number, names.get(name) ?? name);
      } else writer.raw(await readRange(blob, { start: part.from, end: part.end }));
    }
  }
  return new ProtobufWriter().message(FIELDS.graph.node, writer).toBlob();
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

/** The name of a graph, which every file must have. */
export function nameField(name: string): Blob {
  return new ProtobufWriter().string(FIELDS.graph.name, name).toBlob();
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
export async function featureFile(
  file: OnnxFile,
  extractor: { output: string; features: number },
): Promise<{ blob: Blob; output: string }> {
  const { fields, inputs, nodes, initializers, features } = await cutAtFeatures(file, extractor);
  const outputs = [{ name: features, shape: ['batch', extractor.features] }];
  const own = graphFields({ nodes, initializers, inputs: [], outputs });
  return { blob: assembled(file, [nameField('features'), ...fields, ...inputs, own]), output: features };
}
