// An ONNX file as it lies there: nodes with their attributes, tensors as places in the file, and where every part begins and
// ends, so that a cut or a merged file can be put together from slices of it. Knows nothing of what the operations mean.

import { TrainyardError } from '$lib/core/errors';
import { ATTRIBUTE_TYPES, FIELDS } from '../../onnx/model';
import type { OnnxAttribute } from '../../onnx/model';
import { float, integers, readFields, signed, text } from '../../onnx/protobuf-reader';
import type { ProtobufField } from '../../onnx/protobuf-reader';
import { RangeReader } from './ranges';
import type { Range } from './ranges';
import { floats, locateTensor } from './tensor';
import type { StoredTensor } from './tensor';

export type FileAttribute =
  | OnnxAttribute
  | { type: 'tensor'; value: StoredTensor }
  /** Subgraphs, lists of strings and the like. */
  | { type: 'other'; value: number };

export interface FileNode {
  name: string;
  op: string;
  /** '' is ONNX's own set. */
  domain: string;
  /** '' for an optional input that is left out. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: ReadonlyMap<string, FileAttribute>;
  /** Reads tensors of the graph around it by name, too. */
  subgraphs: boolean;
  /** The field with its tag. */
  field: Range;
}

export interface FilePort {
  name: string;
  /** TensorProto.DataType; 0 where it does not say. */
  type: number;
  /** A string names a dynamic axis, '' one without a name; null where there is no shape at all. */
  shape: readonly (number | string)[] | null;
  field: Range;
}

export interface OnnxFile {
  blob: Blob;
  irVersion: number;
  /** Version by domain; '' is ONNX's own. */
  opsets: ReadonlyMap<string, number>;
  producer: string;
  title: string;
  nodes: readonly FileNode[];
  initializers: ReadonlyMap<string, StoredTensor & { field: Range }>;
  inputs: readonly FilePort[];
  outputs: readonly FilePort[];
  metadata: ReadonlyMap<string, string>;
  /** Fields of the model and of its graph that are none of those above, with their numbers: kept as they are in edits. */
  rest: { model: readonly (Range & { number: number })[]; graph: readonly (Range & { number: number })[] };
  /** Local functions or sparse tensors, which nothing here reads. */
  unusual: string | null;
}

/** Parts that a real file has by far fewer of: EfficientNet-B7 has 2,000 nodes. */
const MAX_PARTS = 200_000;

/** Reads all but the values. Throws `weights-unreadable` and `protobuf-damaged`. */
export async function readOnnxFile(blob: Blob): Promise<OnnxFile> {
  const reader = new RangeReader(blob);
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const model: (Range & { number: number })[] = [];
  let graph: Range | null = null;
  let irVersion = 0;
  let producer = '';
  let unusual: string | null = null;
  const fields = FIELDS.model;
  for await (const field of reader.fields({ start: 0, end: blob.size })) {
    const { number, from, end, start } = field;
    if (number === fields.graph && field.wireType === 2) {
      if (graph !== null) throw notOnnx('it has two graphs');
      graph = { start, end };
      continue;
    }
    model.push({ start: from, end, number });
    if (model.length > MAX_PARTS) throw notOnnx('it has too many parts');
    if (number === fields.irVersion) irVersion = Number(BigInt.asIntN(32, field.integer));
    else if (number === fields.producerName) producer = text(await loaded(reader, field));
    else if (number === fields.opsetImport) {
      const [domain, version] = await entry(reader, field, FIELDS.opset.domain, FIELDS.opset.version);
      opsets.set(domain === undefined ? '' : normal(text(domain)), version === undefined ? 0 : signed(version));
    } else if (number === fields.metadataProps) {
      const [key, value] = await entry(reader, field, FIELDS.entry.key, FIELDS.entry.value);
      if (key !== undefined && value !== undefined) metadata.set(text(key), text(value));
    } else if (number === fields.functions) unusual = 'functions of its own';
  }
  if (graph === null) throw notOnnx('it holds no graph');
  const parts = await readGraph(reader, graph);
  return {
    blob,
    irVersion,
    opsets,
    producer,
    metadata,
    ...parts,
    rest: { model, graph: parts.rest },
    unusual: unusual ?? parts.unusual,
  };
}

function notOnnx(found: string): TrainyardError {
  return new TrainyardError(
    'weights-unreadable',
    `The file is not a readable ONNX model: ${found}.`,
    'Export or download it again.',
  );
}

/** 'ai.onnx' is another way to write the default. */
function normal(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

async function loaded(reader: RangeReader, field: Range & { number: number; integer: bigint }): Promise<ProtobufField> {
  return { number: field.number, integer: field.integer, bytes: await reader.bytes(field) };
}

/** The last fields of a small message with these two numbers. */
async function entry(
  reader: RangeReader,
  field: Range,
  first: number,
  second: number,
): Promise<[ProtobufField | undefined, ProtobufField | undefined]> {
  // Copied: the views are used after the reader has moved on.
  const fields = [...readFields((await reader.bytes(field)).slice())];
  const last = (number: number): ProtobufField | undefined => fields.findLast((found) => found.number === number);
  return [last(first), last(second)];
}

interface GraphParts extends Pick<OnnxFile, 'nodes' | 'initializers' | 'inputs' | 'outputs' | 'title' | 'unusual'> {
  rest: (Range & { number: number })[];
}

async function readGraph(reader: RangeReader, graph: Range): Promise<GraphParts> {
  const nodes: FileNode[] = [];
  const initializers = new Map<string, StoredTensor & { field: Range }>();
  const inputs: FilePort[] = [];
  const outputs: FilePort[] = [];
  const rest: (Range & { number: number })[] = [];
  let title = '';
  let unusual: string | null = null;
  const fields = FIELDS.graph;
  for await (const found of reader.fields(graph)) {
    const field: Range = { start: found.from, end: found.end };
    const payload: Range = { start: found.start, end: found.end };
    if (found.number === fields.node) nodes.push({ ...(await readNode(reader, payload)), field });
    else if (found.number === fields.initializer) {
      const tensor = await locateTensor(reader, payload);
      if (initializers.has(tensor.name)) throw notOnnx(`two of its tensors are called "${tensor.name}"`);
      initializers.set(tensor.name, { ...tensor, field });
    } else if (found.number === fields.input) inputs.push({ ...readPort(await reader.bytes(payload)), field });
    else if (found.number === fields.output) outputs.push({ ...readPort(await reader.bytes(payload)), field });
    else {
      rest.push({ ...field, number: found.number });
      if (found.number === fields.name) title = text(await loaded(reader, found));
      if (found.number === fields.sparseInitializer) unusual = 'sparse tensors';
    }
    if (nodes.length + initializers.size + rest.length > MAX_PARTS) throw notOnnx('it has too many parts');
  }
  return { nodes, initializers, inputs, outputs, rest, title, unusual };
}

async function readNode(reader: RangeReader, payload: Range): Promise<Omit<FileNode, 'field'>> {
  const fields = FIELDS.node;
  const node = { name: '', op: '', domain: '', subgraphs: false };
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, FileAttribute>();
  for await (const found of reader.fields(payload)) {
    if (found.number === fields.attribute) {
      const { name, attribute, subgraph } = await readAttribute(reader, found);
      attributes.set(name, attribute);
      node.subgraphs ||= subgraph;
      continue;
    }
    const field = await loaded(reader, found);
    if (found.number === fields.input) inputs.push(text(field));
    else if (found.number === fields.output) outputs.push(text(field));
    else if (found.number === fields.name) node.name = text(field);
    else if (found.number === fields.opType) node.op = text(field);
    else if (found.number === fields.domain) node.domain = normal(text(field));
  }
  return { ...node, inputs, outputs, attributes };
}

async function readAttribute(
  reader: RangeReader,
  range: Range,
): Promise<{ name: string; attribute: FileAttribute; subgraph: boolean }> {
  const fields = FIELDS.attribute;
  let name = '';
  let type = 0;
  let tensor: Range | null = null;
  let subgraph = false;
  const found: ProtobufField[] = [];
  for await (const field of reader.fields(range)) {
    if (field.number === fields.t) tensor = field;
    else if (field.number === fields.g || field.number === fields.graphs) subgraph = true;
    else {
      const view = await loaded(reader, field);
      if (field.number === fields.name) name = text(view);
      else if (field.number === fields.type) type = signed(view);
      // Copied: the view ends with the reader's next move.
      else found.push({ ...view, bytes: view.bytes.slice() });
    }
  }
  const all = (number: number): ProtobufField[] => found.filter((field) => field.number === number);
  const attribute = async (): Promise<FileAttribute> => {
    switch (type) {
      case ATTRIBUTE_TYPES.int:
        return { type: 'int', value: all(fields.i).map(signed).at(-1) ?? 0 };
      case ATTRIBUTE_TYPES.float:
        return { type: 'float', value: all(fields.f).map(float).at(-1) ?? 0 };
      case ATTRIBUTE_TYPES.string:
        return { type: 'string', value: all(fields.s).map(text).at(-1) ?? '' };
      case ATTRIBUTE_TYPES.ints:
        return { type: 'ints', value: all(fields.ints).flatMap(integers) };
      case ATTRIBUTE_TYPES.floats:
        return { type: 'floats', value: all(fields.floats).flatMap(floats) };
      case ATTRIBUTE_TYPES.tensor:
        if (tensor !== null) return { type: 'tensor', value: await locateTensor(reader, tensor) };
        break;
    }
    return { type: 'other', value: type };
  };
  return { name, attribute: await attribute(), subgraph };
}

/** The last field of a message with this number, as a message. */
function inner(message: Uint8Array | undefined, number: number): Uint8Array | undefined {
  if (message === undefined) return undefined;
  return [...readFields(message)].findLast((field) => field.number === number)?.bytes;
}

function readPort(message: Uint8Array): Omit<FilePort, 'field'> {
  const nameField = inner(message, FIELDS.valueInfo.name);
  const tensor = inner(inner(message, FIELDS.valueInfo.type), FIELDS.type.tensor);
  const name = nameField === undefined ? '' : new TextDecoder().decode(nameField);
  if (tensor === undefined) return { name, type: 0, shape: null };
  const types = [...readFields(tensor)].filter((field) => field.number === FIELDS.tensorType.elementType);
  const shape = inner(tensor, FIELDS.tensorType.shape);
  return {
    name,
    type: types.map(signed).at(-1) ?? 0,
    shape: shape === undefined ? null : dimensions(shape),
  };
}

function dimensions(shape: Uint8Array): readonly (number | string)[] {
  return [...readFields(shape)]
    .filter((field) => field.number === FIELDS.shape.dim)
    .map(({ bytes }) => {
      const fields = [...readFields(bytes)];
      const value = fields.findLast((field) => field.number === FIELDS.dimension.value);
      if (value !== undefined) return signed(value);
      const parameter = fields.findLast((field) => field.number === FIELDS.dimension.parameter);
      return parameter === undefined ? '' : text(parameter);
    });
}

/** Inputs that are no constants: before IR version 4 constants were listed as inputs too. */
export function realInputs(file: Pick<OnnxFile, 'inputs' | 'initializers'>): readonly FilePort[] {
  return file.inputs.filter(({ name }) => !file.initializers.has(name));
}

/** The dimension as a number where it is fixed, else null. */
export function fixed(dimension: number | string | undefined): number | null {
  return typeof dimension === 'number' && dimension > 0 ? dimension : null;
}
