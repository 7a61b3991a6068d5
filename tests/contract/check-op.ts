// Holds one operation on tfjs's current backend to its reference: output, running statistics, and every gradient.

import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { stream } from '$lib/core/random';
import { fusedKernels, trainingKernels } from '$lib/engines/tfjs/kernels';
import { inferShape, parameterRoles } from '$lib/graph/ops';
import type { ForwardContext, Kernels } from '$lib/graph/ops/forward';
import { forwardNode } from '$lib/graph/ops/tfjs';
import type { GraphNode, NodeOf, OpName } from '$lib/graph/types';
import type { OpCase } from './op-cases';
import { referenceOutput } from './reference';
import type { ReferenceContext } from './reference/reference';
import type { RefTensor } from './reference/tensor';

/**
 * Outputs: float32 sums of at most a few hundred terms; WebGPU may approximate exp and tanh to 1e-4.
 * Gradients: the same and the reference's own error, see below.
 */
const TOLERANCE: Record<string, { output: number; gradient: number }> = {
  cpu: { output: 1e-5, gradient: 1e-4 },
  wasm: { output: 1e-5, gradient: 1e-4 },
  webgpu: { output: 1e-4, gradient: 5e-4 },
};

/**
 * Step of the central differences. They are taken on the reference, which is in double precision: at 1e-4 the method's own
 * error (third derivative times 1e-8) and rounding (1e-16 / 1e-4) are both far below float32's. In float32 no step is good.
 */
const STEP = 1e-4;

/** One operation with its numbers drawn. */
interface Drawn {
  node: GraphNode & { op: Exclude<OpName, 'input'> };
  inputs: RefTensor[];
  parameters: Map<string, RefTensor>;
  /** Roles that are constants: running statistics. */
  constant: ReadonlySet<string>;
}

function drawTensor(name: string, shape: readonly number[], low: number, high: number): RefTensor {
  const random = stream(7, 'contract', name);
  const data = new Float64Array(shape.reduce((product, length) => product * length, 1));
  // Through float32, so that both sides start from the same number.
  for (let at = 0; at < data.length; at++) data[at] = Math.fround(low + (high - low) * random());
  return { shape, data };
}

function drawCase<Op extends Exclude<OpName, 'input'>>(op: Op, opCase: OpCase<Op>): Drawn {
  const { inputs, attributes, batch = 2, batches, bias = false, range = 2, title } = opCase;
  const parameters = new Map<string, RefTensor>();
  const constant = new Set<string>();
  for (const { role, shape, optional = false, trainable } of parameterRoles(op, inputs, attributes)) {
    if (optional && !bias) continue;
    const [low, high] = role === 'running_var' ? [0.5, 1.5] : [-1, 1];
    parameters.set(role, drawTensor(`${op}/${title}/${role}`, shape, low, high));
    if (!trainable) constant.add(role);
  }
  const node: NodeOf<Op> = {
    id: 'node',
    op,
    inputs: inputs.map((_, index) => `input${index}`),
    attributes,
    parameters: Object.fromEntries([...parameters.keys()].map((role) => [role, role])),
    shape: inferShape(op, inputs, attributes),
  };
  const tensors = inputs.map((shape, index) =>
    drawTensor(`${op}/${title}/${index}`, [batches?.[index] ?? batch, ...shape], -range, range),
  );
  // NodeOf<Op> is one member of the union, which TypeScript cannot see for a generic Op.
  return { node: node as Drawn['node'], inputs: tensors, parameters, constant };
}

interface Seen {
  mean: number[];
  varBiased: number[];
}

function reference(drawn: Drawn, opCase: OpCase<OpName>): { output: RefTensor; seen: Seen | null } {
  let seen: Seen | null = null;
  const context: ReferenceContext = {
    training: opCase.training ?? false,
    parameter: (role) => drawn.parameters.get(role),
    random: () => stream(3, 'dropout', 5, 'node'),
    fused: opCase.fused ?? 'none',
    reportStatistics: (mean, varBiased) => (seen = { mean, varBiased }),
  };
  const output = referenceOutput(drawn.node, drawn.inputs, context);
  return { output, seen };
}

function forward(
  drawn: Drawn,
  opCase: OpCase<OpName>,
  inputs: readonly tf.Tensor[],
  parameters: ReadonlyMap<string, tf.Tensor>,
  kernels: Kernels,
  report: (mean: tf.Tensor1D, varBiased: tf.Tensor1D, count: number) => void,
): tf.Tensor {
  const context: ForwardContext = {
    kernels,
    training: opCase.training ?? false,
    parameter: (_, role) => parameters.get(role),
    usesBatchStatistics: () => opCase.training ?? false,
    reportStatistics: (_, mean, varBiased, count) => report(mean, varBiased, count),
    fusedActivation: () => opCase.fused ?? 'none',
    random: (node) => stream(3, 'dropout', 5, node.id),
  };
  return forwardNode(drawn.node, inputs, context);
}

const toTensor = ({ shape, data }: RefTensor): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape], 'float32');

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void {
  expect(found.length, `size of ${what}`).toBe(wanted.length);
  const scale = Math.max(1e-3, ...Array.from(wanted, Math.abs));
  let worst = 0;
  for (let at = 0; at < wanted.length; at++) {
    const difference = Math.abs(found[at] - wanted[at]) / scale;
    worst = difference <= worst ? worst : difference; // NaN must win
  }
  expect(worst, what).toBeLessThan(tolerance);
}

export async function checkOperation<Op extends Exclude<OpName, 'input'>>(op: Op, opCase: OpCase<Op>): Promise<void> {
  const drawn = drawCase(op, opCase);
  const tolerance = TOLERANCE[tf.getBackend()];
  const expected = reference(drawn, opCase);
  const before = tf.memory().numTensors;

  // The loss is the output's dot product with fixed weights, so that no two gradients cancel.
  const weights = drawTensor(`${op}/weights`, expected.output.shape, -1, 1);
  const moving = [...drawn.parameters.keys()].filter((role) => !drawn.constant.has(role));
  const variables = [...drawn.inputs, ...moving.map((role) => drawn.parameters.get(role)).filter((one) => one !== undefined)]; // prettier-ignore

  let statistics: tf.Tensor[] = [];
  let output: tf.Tensor | null = null;
  const gradients = tf.tidy(() => {
    const constants = [...drawn.constant].map(
      (role) => [role, toTensor(drawn.parameters.get(role) ?? weights)] as const,
    );
    const dot = toTensor(weights);
    const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
      const inputs = tensors.slice(0, drawn.inputs.length);
      const trained = moving.map((role, index) => [role, tensors[drawn.inputs.length + index]] as const);
      const y = forward(
        drawn,
        opCase,
        inputs,
        new Map([...constants, ...trained]),
        trainingKernels,
        (mean, varBiased) => {
          statistics = [tf.keep(mean), tf.keep(varBiased)];
        },
      );
      output = tf.keep(tf.clone(y));
      return tf.sum(tf.mul(y, dot));
    };
    return tf.grads(loss)(variables.map(toTensor));
  });

  if (output === null) throw new Error('The forward function did not run.');
  const result: tf.Tensor = output;
  expect(result.shape).toEqual(expected.output.shape);
  expectClose(await result.data(), expected.output.data, tolerance.output, 'output');
  if (!opCase.training) {
    const evaluated = tf.tidy(() => {
      const parameters = new Map([...drawn.parameters].map(([role, values]) => [role, toTensor(values)]));
      return forward(drawn, opCase, drawn.inputs.map(toTensor), parameters, fusedKernels, () => {});
    });
    expectClose(await evaluated.data(), expected.output.data, tolerance.output, 'output without gradients');
    evaluated.dispose();
  }
  if (expected.seen !== null) {
    expectClose(await statistics[0].data(), expected.seen.mean, tolerance.output, 'mean of the batch');
    expectClose(await statistics[1].data(), expected.seen.varBiased, tolerance.output, 'variance of the batch');
  }
  for (const [index, variable] of variables.entries()) {
    const wanted = Float64Array.from(variable.data, (value, at) => {
      const around = [value + STEP, value - STEP].map((moved) => {
        variable.data[at] = moved;
        return dotProduct(reference(drawn, opCase).output, weights);
      });
      variable.data[at] = value;
      return (around[0] - around[1]) / (2 * STEP);
    });
    const name = index < drawn.inputs.length ? `input ${index}` : moving[index - drawn.inputs.length];
    expect(gradients[index].shape, `shape of the gradient of ${name}`).toEqual(variable.shape);
    expectClose(await gradients[index].data(), wanted, tolerance.gradient, `gradient of ${name}`);
  }
  tf.dispose([result, ...statistics, ...gradients]);
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
}

function dotProduct(a: RefTensor, b: RefTensor): number {
  return a.data.reduce((sum, value, at) => sum + value * b.data[at], 0);
}
