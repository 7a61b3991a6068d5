// An ONNX model as data: what of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) is written and read here.
// encode.ts and decode.ts turn it into bytes and back.

export type OnnxAttribute =
  | { type: 'int'; value: number }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'ints'; value: readonly number[] }
  | { type: 'floats'; value: readonly number[] };

export interface OnnxNode {
  name: string;
  op: string;
  /** '' for an optional input that is left out. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A constant. Its values are referred to, not copied. */
export type OnnxTensor = { name: string; shape: readonly number[] } & (
  { type: 'float32'; values: Float32Array } | { type: 'int64'; values: readonly number[] }
);

/** A graph input or output; a string names a dynamic axis. */
export interface OnnxPort {
  name: string;
  shape: readonly (number | string)[];
}

export interface OnnxModel {
  irVersion: number;
  opset: number;
  producer: { name: string; version: string };
  name: string;
  documentation: string;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  /** float32, all of them. */
  inputs: readonly OnnxPort[];
  outputs: readonly OnnxPort[];
  metadata: Readonly<Record<string, string>>;
}

/** Field numbers of onnx.proto. */
export const FIELDS = {
  model: {
    irVersion: 1,
    producerName: 2,
    producerVersion: 3,
    docString: 6,
    graph: 7,
    opsetImport: 8,
    metadataProps: 14,
    functions: 25,
  },
  opset: { domain: 1, version: 2 },
  entry: { key: 1, value: 2 },
  graph: { node: 1, name: 2, initializer: 5, docString: 10, input: 11, output: 12, sparseInitializer: 15 },
  node: { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 },
  attribute: { name: 1, f: 2, i: 3, s: 4, t: 5, g: 6, floats: 7, ints: 8, graphs: 11, type: 20 },
  tensor: {
    dims: 1,
    dataType: 2,
    floatData: 4,
    int32Data: 5,
    int64Data: 7,
    name: 8,
    rawData: 9,
    doubleData: 10,
    uint64Data: 11,
    externalData: 13,
    dataLocation: 14,
  },
  valueInfo: { name: 1, type: 2 },
  type: { tensor: 1 },
  tensorType: { elementType: 1, shape: 2 },
  shape: { dim: 1 },
  dimension: { value: 1, parameter: 2 },
} as const;

/** TensorProto.DataType. */
export const DATA_TYPES = { float32: 1, int64: 7 } as const;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  graphs: 10,
} as const;
