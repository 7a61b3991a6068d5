// Loss and gradients of a batch or a part of one. Knows neither the update nor the device.

import * as tf from '@tensorflow/tfjs-core';
// Gradients are not registered with the operations.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { TrainyardError } from '$lib/core/errors';
import type { Kernels } from '$lib/graph/ops/forward';
import type { Graph, NodeOf } from '$lib/graph/types';
import type { Batch, StepSpecification } from '../contract';
import { frozenNodes, planForward, runForward, runNodes } from './forward';
import type { ForwardPlan } from './forward';
import { imagesToTensor, targetsToTensor } from './images';
import { trainingKernels } from './kernels';
import type { ParameterLayout } from './parameter-layout';
import type { BatchStatistics, Gradients } from './parameter-store';

/** Which part of which step: names its random numbers. */
export interface Moment {
  /** Steps done before. */
  step: number;
  part: number;
}

export class Differentiator {
  readonly plan: ForwardPlan;
  readonly #norms: ReadonlyMap<string, NodeOf<'batch_norm'>>;
  readonly #moving: readonly string[];
  /** What no gradient reaches: evaluated, then a constant of the step. */
  readonly #frozen: ReadonlySet<string>;
  readonly #frozenNorms: ReadonlySet<string>;
  readonly #inference: Kernels;
  readonly #specification: StepSpecification;

  /** `inference`: the kernels of evaluation. */
  constructor(graph: Graph, layout: ParameterLayout, inference: Kernels, specification: StepSpecification) {
    this.plan = planForward(graph);
    this.#norms = new Map(graph.nodes.flatMap((node) => (node.op === 'batch_norm' ? [[node.id, node]] : [])));
    this.#moving = layout.trainable.filter((placed) => placed.moves).map((placed) => placed.name);
    this.#frozen = frozenNodes(graph, new Set(this.#moving), layout.frozenNorms);
    this.#frozenNorms = layout.frozenNorms;
    this.#inference = inference;
    this.#specification = specification;
  }

  /** Call inside tf.tidy. What batch norms see goes to `seen`, kept beyond that: the caller's to free. */
  differentiate(
    batch: Batch,
    parameters: ReadonlyMap<string, tf.Tensor>,
    moment: Moment,
    seen: BatchStatistics[],
  ): { value: tf.Scalar; gradients: Gradients } {
    const { loss: lossOf, seed } = this.#specification;
    const images = imagesToTensor(batch, this.plan.graph);
    const targets = targetsToTensor(batch.targets);
    const nodes = this.#frozen;
    const values = tf.tidy(() => runNodes(this.plan, nodes, images, parameters, this.#inference));
    const moving = this.#moving.map((name) => parameters.get(name)).filter((tensor) => tensor !== undefined);
    try {
      const { value, grads } = tf.valueAndGrads((..._moving: tf.Tensor[]) => {
        const pass = {
          seed,
          ...moment,
          frozenNorms: this.#frozenNorms,
          report: (node: string, mean: tf.Tensor1D, varBiased: tf.Tensor1D, count: number) =>
            seen.push(this.#statistics(node, mean, varBiased, count)),
        };
        const { output } = runForward(this.plan, images, parameters, trainingKernels, pass, { nodes, values });
        return tf.reshape<tf.Rank.R0>(lossOf(output, targets), []);
      })(moving);
      return { value, gradients: new Map(grads.map((gradient, index) => [this.#moving[index], gradient])) };
    } catch (error) {
      // tfjs frees what a forward pass saved for the backward one only when neither throws.
      for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved ?? []);
      throw error;
    }
  }

  #statistics(id: string, mean: tf.Tensor1D, varBiased: tf.Tensor1D, count: number): BatchStatistics {
    const node = this.#norms.get(id);
    if (node === undefined || count < 2) {
      throw new TrainyardError(
        'batch-too-small',
        `Batch norm "${id}" sees a single value per channel, which has no variance.`,
        'Use a larger batch or larger images.',
      );
    }
    return {
      meanName: node.parameters.running_mean,
      varianceName: node.parameters.running_var,
      mean: tf.keep(mean),
      varBiased: tf.keep(varBiased),
      count,
      momentum: node.attributes.momentum,
    };
  }
}
