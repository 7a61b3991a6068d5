// Slice, transpose and padding for cpu: whole runs instead of tfjs's look-up of the place of every single value.

import * as tf from '@tensorflow/tfjs-core';
import { eachRun, merged, stepsOf, type Walk } from '../compute/walk';
import { attributesAs } from '../../convolution-kernels';
import { type CpuKernel, type KernelContext } from './definition';

/** Row-major steps, with those of axes of length 1 too. */
function allSteps(shape: readonly number[]): number[] {
  const steps = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1] * shape[axis + 1];
  return steps;
}

function offsetOf(shape: readonly number[], index: readonly number[]): number {
  const steps = allSteps(shape);
  return index.reduce((sum, one, axis) => sum + one * steps[axis], 0);
}

/** Copies along a walk of [from, to]. */
function copy(from: Float32Array, begin: number, to: Float32Array, start: number, walk: Walk): void {
  const joined = merged(walk);
  const last = joined.shape.length - 1;
  const count = joined.shape[last];
  const [step, toStep] = joined.steps.map((one) => one[last]);
  eachRun(joined, ([at, into]) => {
    at += begin;
    into += start;
    for (let index = 0; index < count; index++, at += step, into += toStep) to[into] = from[at];
  });
}

function slice(context: KernelContext): tf.TensorInfo {
  const { input, values, output } = context;
  const x = input('x');
  const { begin, size } = attributesAs<tf.SliceAttrs>(context);
  // Fills in missing and negative entries.
  const [from, shape] = tf.slice_util.parseSliceParams(x, begin, size);
  tf.slice_util.assertParamsValid(x, from, shape);
  const y = output(shape);
  copy(values('x'), offsetOf(x.shape, from), y.values, 0, { shape, steps: [allSteps(x.shape), allSteps(shape)] });
  return y.info;
}

function transpose(context: KernelContext): tf.TensorInfo {
  const { input, values, output } = context;
  const x = input('x');
  const { perm } = attributesAs<tf.TransposeAttrs>(context);
  const shape = perm.map((axis) => x.shape[axis]);
  const steps = allSteps(x.shape);
  const y = output(shape);
  copy(values('x'), 0, y.values, 0, { shape, steps: [perm.map((axis) => steps[axis]), stepsOf(shape, shape.length)] });
  return y.info;
}

function pad(context: KernelContext): tf.TensorInfo {
  const { input, values, output } = context;
  const x = input('x');
  const { paddings, constantValue } = attributesAs<tf.PadV2Attrs>(context);
  const y = output(x.shape.map((length, axis) => paddings[axis][0] + length + paddings[axis][1]));
  if (constantValue !== 0) y.values.fill(constantValue);
  const start = offsetOf(y.info.shape, paddings.map(([before]) => before)); // prettier-ignore
  copy(values('x'), 0, y.values, start, { shape: x.shape, steps: [allSteps(x.shape), allSteps(y.info.shape)] });
  return y.info;
}

/** Wraps tfjs's kernel, which must be registered already: it keeps the other types of numbers. */
function floatKernel(name: string, run: CpuKernel['run']): CpuKernel {
  const original = tf.getKernel(name, 'cpu');
  return {
    name,
    run: (context) => (context.input('x').dtype === 'float32' ? run(context) : original.kernelFunc(context.call)),
  };
}

export function moveKernels(): CpuKernel[] {
  return [floatKernel(tf.Slice, slice), floatKernel(tf.Transpose, transpose), floatKernel(tf.PadV2, pad)];
}
