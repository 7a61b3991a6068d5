// One training step: forward, backward, update. Enqueues everything; waits for nothing.

import * as tf from '@tensorflow/tfjs-core';
// Gradients are not registered with the operations.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { TrainyardError } from '$lib/core/errors';
import type { Kernels } from '$lib/graph/ops/forward';
import type { Graph, NodeOf } from '$lib/graph/types';
import type { Batch, LazyScalar, Prediction, StepSpecification, TrainState, TrainStep } from '../contract';
import { frozenNodes, planForward, runForward, runNodes } from './forward';
import type { ForwardPlan } from './forward';
import { imagesToTensor, targetsToTensor } from './images';
import { trainingKernels } from './kernels';
import type { ParameterLayout } from './parameter-layout';
import type { BatchStatistics, ParameterStore } from './parameter-store';
import { predictWith } from './predictor';

export class TfjsTrainStep implements TrainStep {
  readonly #plan: ForwardPlan;
  readonly #norms: ReadonlyMap<string, NodeOf<'batch_norm'>>;
  readonly #moving: readonly string[];
  /** What no gradient reaches: evaluated, then a constant of the step. */
  readonly #frozen: ReadonlySet<string>;
  readonly #layout: ParameterLayout;
  readonly #store: ParameterStore;
  readonly #inference: Kernels;
  readonly #specification: StepSpecification;
  readonly #onDispose: (step: TfjsTrainStep) => void;
  #step = 0;

  /** Takes ownership of the store. `inference`: the kernels of evaluation. */
  constructor(
    graph: Graph,
    layout: ParameterLayout,
    store: ParameterStore,
    inference: Kernels,
    specification: StepSpecification,
    onDispose: (step: TfjsTrainStep) => void = () => {},
  ) {
    this.#plan = planForward(graph);
    this.#norms = new Map(graph.nodes.flatMap((node) => (node.op === 'batch_norm' ? [[node.id, node]] : [])));
    this.#moving = layout.trainable.filter((placed) => placed.moves).map((placed) => placed.name);
    this.#frozen = frozenNodes(graph, new Set(this.#moving), layout.frozenNorms);
    this.#layout = layout;
    this.#store = store;
    this.#inference = inference;
    this.#specification = specification;
    this.#onDispose = onDispose;
  }

  /** Ordinary memory that the parameters take beside the tensors. */
  get hostBytes(): number {
    return this.#store.hostBytes;
  }

  run(batch: Batch, learningRate: number, momentum?: number): { loss: LazyScalar } {
    const { loss: lossOf, seed } = this.#specification;
    const seen: BatchStatistics[] = [];
    try {
      const loss = tf.tidy(() => {
        const images = imagesToTensor(batch, this.#plan.graph);
        const targets = targetsToTensor(batch.targets);
        const parameters = this.#store.tensors();
        const nodes = this.#frozen;
        const values = tf.tidy(() => runNodes(this.#plan, nodes, images, parameters, this.#inference));
        const moving = this.#moving.map((name) => parameters.get(name)).filter((tensor) => tensor !== undefined);
        const { value, grads } = tf.valueAndGrads((..._moving: tf.Tensor[]) => {
          const pass = {
            seed,
            step: this.#step,
            frozenNorms: this.#layout.frozenNorms,
            report: (node: string, mean: tf.Tensor1D, varBiased: tf.Tensor1D, count: number) =>
              seen.push(this.#statistics(node, mean, varBiased, count)),
          };
          const { output } = runForward(this.#plan, images, parameters, trainingKernels, pass, { nodes, values });
          return tf.reshape<tf.Rank.R0>(lossOf(output, targets), []);
        })(moving);
        const gradients = new Map(grads.map((gradient, index) => [this.#moving[index], gradient]));
        this.#store.update(gradients, learningRate, momentum);
        this.#store.updateStatistics(seen);
        return value;
      });
      this.#step++;
      return { loss: lazyScalar(loss) };
    } catch (error) {
      freeTape();
      throw error;
    } finally {
      // Kept beyond the gradient's own scope for the running statistics.
      for (const { mean, varBiased } of seen) tf.dispose([mean, varBiased]);
    }
  }

  predict(batch: Batch): Promise<Prediction> {
    return predictWith(this.#plan, this.#store.tensors(), this.#inference, batch, false);
  }

  state(): Promise<TrainState> {
    return this.#store.read();
  }

  restore(state: TrainState): void {
    this.#store.write(state);
    this.#step = state.step;
  }

  dispose(): void {
    this.#store.dispose();
    this.#onDispose(this);
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

/** tfjs frees what a forward pass saved for the backward one only when neither throws. */
function freeTape(): void {
  for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved ?? []);
}

function lazyScalar(tensor: tf.Scalar): LazyScalar {
  return {
    async read() {
      // A synchronisation on the GPU: the loop reads losses late and in bulk.
      const [value] = await tensor.data();
      tensor.dispose();
      return value;
    },
    dispose: () => tensor.dispose(),
  };
}
