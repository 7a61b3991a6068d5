// The pieces of a TF.js graph model as data: GraphDef nodes and the weights they refer to. write.ts makes files of them.

export type GraphDefAttribute =
  | { type: 'bool'; value: boolean }
  | { type: 'int'; value: number }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'ints'; value: readonly number[] }
  | { type: 'dtype'; value: 'DT_FLOAT' | 'DT_INT32' }
  | { type: 'shape'; value: readonly number[] };

export interface GraphDefNode {
  name: string;
  op: string;
  inputs: readonly string[];
  attributes: Readonly<Record<string, GraphDefAttribute>>;
}

/** A Const node and its values. */
export interface GraphDefWeight {
  name: string;
  shape: readonly number[];
  values: Float32Array | Int32Array;
}

export interface GraphDefGraph {
  /** Without the Const nodes. */
  nodes: readonly GraphDefNode[];
  weights: readonly GraphDefWeight[];
}

/** TensorShapeProto in JSON; -1 is a dynamic axis. */
export function shapeJson(shape: readonly number[]): { dim: { size: string }[] } {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

/** Protobuf's JSON mapping: integers are strings, bytes base64. */
export function attributeJson(attribute: GraphDefAttribute): Record<string, unknown> {
  switch (attribute.type) {
    case 'bool':
      return { b: attribute.value };
    case 'int':
      return { i: String(attribute.value) };
    case 'float':
      return { f: attribute.value };
    case 'string':
      return { s: btoa(attribute.value) };
    case 'strings':
      return { list: { s: attribute.value.map((value) => btoa(value)) } };
    case 'ints':
      return { list: { i: attribute.value.map(String) } };
    case 'dtype':
      return { type: attribute.value };
    case 'shape':
      return { shape: shapeJson(attribute.value) };
    default:
      return attribute satisfies never;
  }
}
