// What an operation's TensorFlow GraphDef lowering (TF.js graph model) may use. Tensors keep our own order, channels last, and
// parameters our own layout, which is TensorFlow's.

import type { NodeOf, OpName, Padding, Pair, Shape } from '../types';
import type { GraphDefAttribute } from '$lib/interchange/tfjs/model';

export interface GraphDefValue {
  name: string;
  /** Per sample. */
  shape: Shape;
  /** False when the batch axis has length 1 whatever the batch: made of parameters alone. */
  batched: boolean;
}

export interface GraphDefEmitter {
  /** Adds a node and returns its name, which is its first output's. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, GraphDefAttribute>>): string;
  /** A parameter of the graph by its name, in our layout. */
  parameter(name: string): string;
  /** float32 constant. */
  floats(values: readonly number[], shape: Shape): string;
  /** int32 constant; a scalar when `shape` is []. */
  ints(values: readonly number[], shape?: Shape): string;
  /** int32 vector [batch, ...shape] for operations that want a whole shape. */
  batchShape(shape: Shape): string;
}

/** Returns the name of the tensor that holds the operation's output. */
export type GraphDefLowering<Op extends OpName> = (
  node: NodeOf<Op>,
  inputs: readonly GraphDefValue[],
  emit: GraphDefEmitter,
) => string;

/** Attribute values. */
export const bool = (value: boolean): GraphDefAttribute => ({ type: 'bool', value });
export const int = (value: number): GraphDefAttribute => ({ type: 'int', value });
export const float = (value: number): GraphDefAttribute => ({ type: 'float', value });
export const string = (value: string): GraphDefAttribute => ({ type: 'string', value });
export const ints = (...value: readonly number[]): GraphDefAttribute => ({ type: 'ints', value });

export const NHWC = { data_format: string('NHWC') } as const;

/** Two spatial values with the ones of batch and channels around them. */
export function spatial([height, width]: Pair): GraphDefAttribute {
  return ints(1, height, width, 1);
}

export function padded(padding: Padding): boolean {
  return padding.some((amount) => amount !== 0);
}

/** The `padding` attribute of the convolutions. Pools of the TF.js converter do not know 'EXPLICIT'. */
export function convolutionPadding(padding: Padding): Readonly<Record<string, GraphDefAttribute>> {
  if (!padded(padding)) return { padding: string('VALID') };
  return { padding: string('EXPLICIT'), explicit_paddings: ints(0, 0, ...padding, 0, 0) };
}

/** Pads height and width with `value`. */
export function padImage(emit: GraphDefEmitter, x: string, [top, bottom, left, right]: Padding, value: number): string {
  const paddings = emit.ints([0, 0, top, bottom, left, right, 0, 0], [4, 2]);
  return value === 0 ? emit.node('Pad', [x, paddings]) : emit.node('PadV2', [x, paddings, emit.floats([value], [])]);
}

/** `-1` lets the batch axis follow from the rest. */
export function reshapeTo(emit: GraphDefEmitter, x: string, shape: Shape): string {
  return emit.node('Reshape', [x, emit.ints([-1, ...shape])]);
}

export function addBias(emit: GraphDefEmitter, x: string, bias: string | undefined): string {
  return bias === undefined ? x : emit.node('BiasAdd', [x, emit.parameter(bias)], NHWC);
}

/** Joins along an axis of the batched tensors. */
export function concatenate(emit: GraphDefEmitter, inputs: readonly string[], axis: number): string {
  // Without N the converter would take the first two inputs alone.
  return emit.node('ConcatV2', [...inputs, emit.ints([axis], [])], { N: int(inputs.length) });
}
