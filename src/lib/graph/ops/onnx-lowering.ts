// What an operation's ONNX lowering may use, and how our tensors lie in an ONNX graph.
//
// Per-sample shapes of rank 3 are [height, width, channels] here and [batch, channels, height, width] there; every other
// rank keeps its order behind the batch axis. Parameters are initialisers in PyTorch's layout under PyTorch's names.

import type { NodeOf, OpName, Padding, Shape } from '../types';
import type { OnnxAttribute } from '$lib/interchange/onnx/model';
import { resolveAxis } from './operation';

/** A tensor of the ONNX graph. */
export interface OnnxValue {
  name: string;
  /** Per sample, in our order. */
  shape: Shape;
  /** False when the batch axis has length 1 whatever the batch: made of parameters alone. */
  batched: boolean;
}

export interface OnnxEmitter {
  /** Adds a node with one output and returns the output's name. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /** Adds a Transpose, merged with one that made `input`; nothing when the order is the identity. */
  transpose(input: string, order: readonly number[]): string;
  /** A parameter of the graph by its name, in PyTorch's layout. */
  parameter(name: string): string;
  /** float32 constant. */
  floats(values: readonly number[], shape: Shape): string;
  /** One-dimensional int64 constant. */
  ints(values: readonly number[]): string;
  /** int64 [1]: how many images the batch has. */
  batch(): string;
}

/** Returns the name of the tensor that holds the operation's output. */
export type OnnxLowering<Op extends OpName> = (
  node: NodeOf<Op>,
  inputs: readonly OnnxValue[],
  emit: OnnxEmitter,
) => string;

/** Attribute values. */
export const int = (value: number): OnnxAttribute => ({ type: 'int', value });
export const float = (value: number): OnnxAttribute => ({ type: 'float', value });
export const string = (value: string): OnnxAttribute => ({ type: 'string', value });
export const ints = (...value: readonly number[]): OnnxAttribute => ({ type: 'ints', value });

/** ONNX lists all begins, then all ends. */
export function pads([top, bottom, left, right]: Padding): OnnxAttribute {
  return ints(top, left, bottom, right);
}

/** Where a per-sample axis lies in the ONNX tensor. */
export function storedAxis(axis: number, rank: number): number {
  const resolved = resolveAxis(axis, rank);
  return rank === 3 ? [2, 3, 1][resolved] : resolved + 1;
}

/** The per-sample shape in the order in which ONNX holds it, without the batch axis. */
export function storedShape(shape: Shape): Shape {
  return shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
}

/** Shape of a [channels] constant so that it broadcasts over the channels of a tensor of this rank. */
export function channelShape(channels: number, rank: number): Shape {
  return rank === 3 ? [channels, 1, 1] : [channels];
}

/** A [channels] parameter so that it broadcasts over the channels. */
export function perChannel(emit: OnnxEmitter, name: string, channels: number, rank: number): string {
  const values = emit.parameter(name);
  return rank === 3 ? emit.node('Reshape', [values, emit.ints(channelShape(channels, rank))]) : values;
}

/** The tensor in our own order: channels last. */
export function toChannelsLast(emit: OnnxEmitter, name: string, rank: number): string {
  return rank === 3 ? emit.transpose(name, [0, 2, 3, 1]) : name;
}

/** Back from {@link toChannelsLast}. */
export function fromChannelsLast(emit: OnnxEmitter, name: string, rank: number): string {
  return rank === 3 ? emit.transpose(name, [0, 3, 1, 2]) : name;
}

/** A parameter by its role, '' when the node has none: ONNX's way to leave an input out. */
export function optionalParameter(emit: OnnxEmitter, name: string | undefined): readonly string[] {
  return name === undefined ? [] : [emit.parameter(name)];
}
