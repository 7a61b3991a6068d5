// What every operation of the graph says about itself, whatever runs it. Nothing here computes an activation.

import { TrainyardError } from '$lib/core/errors';
import type { OpAttributes, OpName, Pair, Padding, ParameterSpecification, Shape } from '../types';

/** One parameter of an operation, before it has a name. */
export interface ParameterRole {
  role: string;
  shape: Shape;
  layout: ParameterSpecification['layout'];
  trainable: boolean;
  decay: boolean;
  /** May be left out ("bias: false"). */
  optional?: boolean;
}

export interface Operation<Op extends OpName> {
  /** Number of inputs; 'many' is two or more. */
  inputs: number | 'many';
  /** Output shape per sample. Throws `graph-shape` when the inputs do not fit the attributes. */
  shape(inputs: readonly Shape[], attributes: OpAttributes[Op]): Shape;
  /** In state-dict order. Absent when it has none. */
  parameters?(inputs: readonly Shape[], attributes: OpAttributes[Op]): readonly ParameterRole[];
  /**
   * Floating-point operations of one sample's forward pass: a multiply-add counts as 2, a transcendental function as 1,
   * comparisons and data movement as 0.
   */
  flops(inputs: readonly Shape[], attributes: OpAttributes[Op], output: Shape): number;
  /** Floats of one sample that its gradient needs kept, besides its inputs. The output's own size unless said otherwise. */
  kept?(inputs: readonly Shape[], attributes: OpAttributes[Op], output: Shape): number;
}

/** Declares an operation; only there so that the literal is checked where it is written. */
export function defineOperation<Op extends OpName>(operation: Operation<Op>): Operation<Op> {
  return operation;
}

/** Inputs do not fit. `found` completes "Layer x: ...". */
export function shapeError(found: string, hint = 'Check the model that builds this graph.'): TrainyardError {
  return new TrainyardError('graph-shape', found, hint);
}

export function elements(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function describeShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** The only input, as an image [height, width, channels]. */
export function imageInput([shape]: readonly Shape[]): readonly [height: number, width: number, channels: number] {
  if (shape.length !== 3) throw shapeError(`needs [height, width, channels], found ${describeShape(shape)}.`);
  return [shape[0], shape[1], shape[2]];
}

/**
 * Output [height, width] of a sliding window: floor((size + padding - dilated kernel) / stride) + 1, PyTorch's formula.
 */
export function windowSize(
  [height, width]: Pair,
  { kernel, strides, padding, dilation = [1, 1] }: { kernel: Pair; strides: Pair; padding: Padding; dilation?: Pair },
): Pair {
  const [top, bottom, left, right] = padding;
  const along = (size: number, axis: 0 | 1, pads: number): number => {
    for (const value of [kernel[axis], strides[axis], dilation[axis]]) {
      if (!Number.isInteger(value) || value < 1) {
        throw shapeError(`kernel, strides and dilation must be whole numbers of at least 1, found ${value}.`);
      }
    }
    const span = (kernel[axis] - 1) * dilation[axis] + 1;
    const length = Math.floor((size + pads - span) / strides[axis]) + 1;
    if (length < 1) {
      throw shapeError(
        `its window of ${span} does not fit into ${size} with padding ${pads}.`,
        'Use larger images or a model with fewer strides.',
      );
    }
    return length;
  };
  for (const pad of padding) {
    if (!Number.isInteger(pad) || pad < 0)
      throw shapeError(`padding must be whole numbers of at least 0, found ${pad}.`);
  }
  return [along(height, 0, top + bottom), along(width, 1, left + right)];
}

/** A per-sample axis that may count from the end, as 0..rank-1. */
export function resolveAxis(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw shapeError(`axis ${axis} is not one of ${rank} per-sample axes.`);
  }
  return resolved;
}

/** weight and bias (and running statistics) of length `channels`, as the norms have them. */
export function normParameters(channels: number, statistics: boolean): readonly ParameterRole[] {
  const role = (name: string, trainable: boolean): ParameterRole => ({
    role: name,
    shape: [channels],
    layout: 'plain',
    trainable,
    decay: false,
  });
  const affine = [role('weight', true), role('bias', true)];
  return statistics ? [...affine, role('running_mean', false), role('running_var', false)] : affine;
}
