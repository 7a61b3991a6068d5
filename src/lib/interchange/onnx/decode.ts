// The bytes of a .onnx file to OnnxModel: the part of the format that encode.ts writes. Anything else (subgraphs, sparse
// tensors, external data, other types) is refused by name rather than skipped.

import { TrainyardError } from '$lib/core/errors';
import { ATTRIBUTE_TYPES, DATA_TYPES, FIELDS } from './model';
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxPort, OnnxTensor } from './model';
import { float, integers, readFields, signed, text } from './protobuf-reader';
import type { ProtobufField } from './protobuf-reader';

function unsupported(found: string): TrainyardError {
  return new TrainyardError('onnx-unsupported', `The ONNX file has ${found}, which is not read here.`);
}

/** Fields of a message by number, in order. */
function group(message: Uint8Array): (number: number) => ProtobufField[] {
  const fields = [...readFields(message)];
  return (number) => fields.filter((field) => field.number === number);
}

function lastText(fields: readonly ProtobufField[]): string {
  const field = fields.at(-1);
  return field === undefined ? '' : text(field);
}

function lastInteger(fields: readonly ProtobufField[]): number {
  const field = fields.at(-1);
  return field === undefined ? 0 : signed(field);
}

function decodeAttribute(message: Uint8Array): [name: string, attribute: OnnxAttribute] {
  const fields = group(message);
  const name = lastText(fields(FIELDS.attribute.name));
  const type = lastInteger(fields(FIELDS.attribute.type));
  switch (type) {
    case ATTRIBUTE_TYPES.int:
      return [name, { type: 'int', value: lastInteger(fields(FIELDS.attribute.i)) }];
    case ATTRIBUTE_TYPES.float:
      return [name, { type: 'float', value: fields(FIELDS.attribute.f).map(float).at(-1) ?? 0 }];
    case ATTRIBUTE_TYPES.string:
      return [name, { type: 'string', value: lastText(fields(FIELDS.attribute.s)) }];
    case ATTRIBUTE_TYPES.ints:
      return [name, { type: 'ints', value: fields(FIELDS.attribute.ints).flatMap(integers) }];
    case ATTRIBUTE_TYPES.floats:
      return [name, { type: 'floats', value: fields(FIELDS.attribute.floats).map(float) }];
    default:
      throw unsupported(`an attribute "${name}" of type ${type}`);
  }
}

function decodeNode(message: Uint8Array): OnnxNode {
  const fields = group(message);
  return {
    name: lastText(fields(FIELDS.node.name)),
    op: lastText(fields(FIELDS.node.opType)),
    inputs: fields(FIELDS.node.input).map(text),
    outputs: fields(FIELDS.node.output).map(text),
    attributes: Object.fromEntries(fields(FIELDS.node.attribute).map((field) => decodeAttribute(field.bytes))),
  };
}

function decodeTensor(message: Uint8Array): OnnxTensor {
  const fields = group(message);
  const name = lastText(fields(FIELDS.tensor.name));
  const shape = fields(FIELDS.tensor.dims).flatMap(integers);
  const type = lastInteger(fields(FIELDS.tensor.dataType));
  const raw = fields(FIELDS.tensor.rawData).at(-1)?.bytes;
  if (raw === undefined) throw unsupported(`a tensor "${name}" without raw data`);
  const count = shape.reduce((product, length) => product * length, 1);
  const bytes = raw.slice();
  if (type === DATA_TYPES.float32 && bytes.byteLength === 4 * count) {
    return { name, shape, type: 'float32', values: new Float32Array(bytes.buffer) };
  }
  if (type === DATA_TYPES.int64 && bytes.byteLength === 8 * count) {
    return { name, shape, type: 'int64', values: Array.from(new BigInt64Array(bytes.buffer), Number) };
  }
  throw unsupported(`a tensor "${name}" of type ${type} with ${bytes.byteLength} bytes for ${count} values`);
}

function decodePort(message: Uint8Array): OnnxPort {
  const fields = group(message);
  const [type] = fields(FIELDS.valueInfo.type);
  const [tensor] = type === undefined ? [] : group(type.bytes)(FIELDS.type.tensor);
  const [shape] = tensor === undefined ? [] : group(tensor.bytes)(FIELDS.tensorType.shape);
  if (shape === undefined) throw unsupported('an input or output that is not a tensor with a shape');
  const dimensions = group(shape.bytes)(FIELDS.shape.dim).map((field) => {
    const dimension = group(field.bytes);
    const [value] = dimension(FIELDS.dimension.value);
    return value === undefined ? lastText(dimension(FIELDS.dimension.parameter)) : signed(value);
  });
  return { name: lastText(fields(FIELDS.valueInfo.name)), shape: dimensions };
}

export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  const model = group(bytes);
  const [graphField] = model(FIELDS.model.graph);
  if (graphField === undefined) throw unsupported('no graph');
  const graph = group(graphField.bytes);
  const opsets = model(FIELDS.model.opsetImport).map((field) => group(field.bytes));
  const opset = opsets.find((fields) => lastText(fields(FIELDS.opset.domain)) === '');
  return {
    irVersion: lastInteger(model(FIELDS.model.irVersion)),
    opset: opset === undefined ? 0 : lastInteger(opset(FIELDS.opset.version)),
    producer: {
      name: lastText(model(FIELDS.model.producerName)),
      version: lastText(model(FIELDS.model.producerVersion)),
    },
    name: lastText(graph(FIELDS.graph.name)),
    documentation: lastText(model(FIELDS.model.docString)),
    nodes: graph(FIELDS.graph.node).map((field) => decodeNode(field.bytes)),
    initializers: graph(FIELDS.graph.initializer).map((field) => decodeTensor(field.bytes)),
    inputs: graph(FIELDS.graph.input).map((field) => decodePort(field.bytes)),
    outputs: graph(FIELDS.graph.output).map((field) => decodePort(field.bytes)),
    metadata: Object.fromEntries(
      model(FIELDS.model.metadataProps).map((field) => {
        const entry = group(field.bytes);
        return [lastText(entry(FIELDS.entry.key)), lastText(entry(FIELDS.entry.value))];
      }),
    ),
  };
}
