// One training step: forward, backward, update. Enqueues everything; waits for nothing.

import * as tf from '@tensorflow/tfjs-core';
// Gradients are not registered with the operations.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { TrainyardError } from '$lib/core/errors';
import type { Kernels } from '$lib/graph/ops/forward';
import type { Graph, NodeOf } from '$lib/graph/types';
import type {
  Batch,
  LazyNorms,
  LazyScalar,
  Prediction,
  StepOptions,
  StepProfile,
  StepSpecification,
  TrainState,
  TrainStep,
} from '../contract';
import { frozenNodes, planForward, runForward, runNodes } from './forward';
import type { ForwardPlan } from './forward';
import { imagesToTensor, targetsToTensor } from './images';
import { trainingKernels } from './kernels';
import type { ParameterLayout } from './parameter-layout';
import type { BatchStatistics, Gradients, ParameterStore } from './parameter-store';
import { partsOf } from './parts';
import { predictWith } from './predictor';
import { profileKernels } from './profile';

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

  run(batch: Batch, learningRate: number, options: StepOptions = {}): { loss: LazyScalar; norms: LazyNorms | null } {
    const parts = partsOf(batch, this.#specification.accumulate ?? 1);
    // By part: running statistics see one after the other.
    const seen: BatchStatistics[][] = parts.map(() => []);
    const found: { norms: LazyNorms | null } = { norms: null };
    try {
      const loss = tf.tidy(() => {
        if (parts.length === 1) {
          const { value, gradients } = this.#differentiate(batch, 0, seen[0]);
          found.norms = this.#store.update(gradients, learningRate, options);
          return value;
        }
        const losses = parts.map(({ batch: part, share }, index) =>
          // The part's tensors go before the next part's come.
          tf.tidy(() => {
            const { value, gradients } = this.#differentiate(part, index, seen[index]);
            this.#store.gather(gradients, share);
            return tf.mul<tf.Scalar>(value, share);
          }),
        );
        found.norms = this.#store.update('gathered', learningRate, options);
        return tf.addN(losses);
      });
      for (const statistics of seen) this.#store.updateStatistics(statistics);
      this.#step++;
      return { loss: lazyScalar(loss), norms: found.norms };
    } catch (error) {
      freeTape();
      this.#store.discard();
      found.norms?.dispose();
      throw error;
    } finally {
      // Kept beyond the gradient's own scope for the running statistics.
      for (const { mean, varBiased } of seen.flat()) tf.dispose([mean, varBiased]);
    }
  }

  /** Loss and gradients of what moves. Call inside tf.tidy. */
  #differentiate(batch: Batch, part: number, seen: BatchStatistics[]): { value: tf.Scalar; gradients: Gradients } {
    const { loss: lossOf, seed } = this.#specification;
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
        part,
        frozenNorms: this.#layout.frozenNorms,
        report: (node: string, mean: tf.Tensor1D, varBiased: tf.Tensor1D, count: number) =>
          seen.push(this.#statistics(node, mean, varBiased, count)),
      };
      const { output } = runForward(this.#plan, images, parameters, trainingKernels, pass, { nodes, values });
      return tf.reshape<tf.Rank.R0>(lossOf(output, targets), []);
    })(moving);
    return { value, gradients: new Map(grads.map((gradient, index) => [this.#moving[index], gradient])) };
  }

  predict(batch: Batch, options: { raw?: boolean } = {}): Promise<Prediction> {
    const parameters = options.raw ? this.#store.tensors() : this.#store.averages();
    return predictWith(this.#plan, parameters, this.#inference, batch, false);
  }

  profile(batch: Batch, learningRate: number): Promise<StepProfile> {
    return profileKernels(() => this.run(batch, learningRate).loss.dispose());
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
