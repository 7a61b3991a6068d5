// ONNX files made by hand: any operation with any attributes, written by our own encoder.
import { stream } from '$lib/core/random';
import { encodeOnnx } from '$lib/interchange/onnx/encode';
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor } from '$lib/interchange/onnx/model';

export interface FileParts {
  opset?: number;
  nodes: readonly OnnxNode[];
  initializers?: readonly OnnxTensor[];
  /** Default: NCHW of 16 x 20. */
  input?: readonly (number | string)[];
  /** Default: 'output' of [batch, ?]. */
  outputs?: OnnxModel['outputs'];
  metadata?: Readonly<Record<string, string>>;
}

/** `x` is the input. */
export function onnxFile({
  opset = 17,
  nodes,
  initializers = [],
  input = ['batch', 3, 16, 20],
  outputs = [{ name: 'output', shape: ['batch', 'features'] }],
  metadata = {},
}: FileParts): Blob {
  return encodeOnnx({
    irVersion: 8,
    opset,
    producer: { name: 'test', version: '' },
    name: 'graph',
    documentation: '',
    nodes,
    initializers,
    inputs: [{ name: 'x', shape: input }],
    outputs,
    metadata,
  });
}

export function node(
  op: string,
  inputs: readonly string[],
  output: string | readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): OnnxNode {
  const outputs = typeof output === 'string' ? [output] : output;
  return { name: `/${outputs[0]}/${op}`, op, inputs, outputs, attributes };
}

/** Uniform around zero, or around `center`. */
export function weights(name: string, shape: readonly number[], { scale = 1, center = 0 } = {}): OnnxTensor {
  const random = stream(5, name);
  const count = shape.reduce((product, length) => product * length, 1);
  return {
    name,
    shape,
    type: 'float32',
    values: Float32Array.from({ length: count }, () => center + scale * (2 * random() - 1)),
  };
}

export function floats(
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): OnnxTensor {
  return { name, shape, type: 'float32', values: Float32Array.from(values) };
}

export function ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): OnnxTensor {
  return { name, shape, type: 'int64', values };
}
