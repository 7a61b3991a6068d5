// One training step: forward, backward, update. Enqueues everything; waits for nothing.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { Kernels } from '$lib/graph/ops/forward';
import type { Graph } from '$lib/graph/types';
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
import { HostWatch } from './device-watch';
import type { DeviceWatch } from './device-watch';
import { Differentiator } from './gradients';
import type { ParameterLayout } from './parameter-layout';
import type { BatchStatistics, ParameterStore } from './parameter-store';
import { partsOf } from './parts';
import { predictWith } from './predictor';
import { profileKernels } from './profile';

export class TfjsTrainStep implements TrainStep {
  readonly #differentiator: Differentiator;
  readonly #store: ParameterStore;
  readonly #inference: Kernels;
  readonly #specification: StepSpecification;
  readonly #watch: DeviceWatch;
  readonly #onDispose: (step: TfjsTrainStep) => void;
  #step = 0;
  /** What a device told of an earlier step: the parameters since are no numbers that anybody computed. */
  #failed: TrainyardError | null = null;

  /** Takes ownership of the store. `inference`: the kernels of evaluation. */
  constructor(
    graph: Graph,
    layout: ParameterLayout,
    store: ParameterStore,
    inference: Kernels,
    specification: StepSpecification,
    watch: DeviceWatch = new HostWatch(),
    onDispose: (step: TfjsTrainStep) => void = () => {},
  ) {
    this.#differentiator = new Differentiator(graph, layout, inference, specification);
    this.#store = store;
    this.#inference = inference;
    this.#specification = specification;
    this.#watch = watch;
    this.#onDispose = onDispose;
  }

  /** Ordinary memory that the parameters take beside the tensors. */
  get hostBytes(): number {
    return this.#store.hostBytes;
  }

  run(batch: Batch, learningRate: number, options: StepOptions = {}): { loss: LazyScalar; norms: LazyNorms | null } {
    this.#check();
    try {
      const { value, accepted } = this.#watch.enqueue(() => this.#advance(batch, learningRate, options));
      const told = accepted.catch((error: TrainyardError) => {
        this.#failed ??= error;
        throw error;
      });
      told.catch(() => {});
      return { loss: this.#scalar(value.loss, told), norms: value.norms };
    } catch (error) {
      this.#abandon(error);
      throw error;
    }
  }

  async predict(batch: Batch, options: { raw?: boolean } = {}): Promise<Prediction> {
    this.#check();
    try {
      const parameters = (): ReadonlyMap<string, tf.Tensor> =>
        options.raw ? this.#store.tensors() : this.#store.averages();
      return await predictWith(this.#differentiator.plan, parameters, this.#inference, batch, false, this.#watch);
    } catch (error) {
      this.#abandon(error);
      throw error;
    }
  }

  profile(batch: Batch, learningRate: number): Promise<StepProfile> {
    return profileKernels(() => this.run(batch, learningRate).loss);
  }

  async state(): Promise<TrainState> {
    this.#check();
    const { value, accepted } = this.#watch.enqueue(() => this.#store.read());
    const state = await this.#watch.wait(() => value, accepted);
    // Told while it was read: of a step before.
    this.#check();
    return state;
  }

  restore(state: TrainState): void {
    const { accepted } = this.#watch.enqueue(() => this.#store.write(state));
    this.#step = state.step;
    if (this.#failed !== null) this.#watch.recover();
    this.#failed = null;
    accepted.catch((error: TrainyardError) => (this.#failed ??= error));
  }

  dispose(): void {
    this.#store.dispose();
    this.#watch.recover();
    this.#onDispose(this);
  }

  #check(): void {
    if (this.#failed !== null) throw this.#failed;
  }

  /** After what did not come about. */
  #abandon(error: unknown): void {
    this.#store.discard();
    if (error instanceof TrainyardError && error.code === 'out-of-memory') this.#watch.recover();
  }

  /** All of a step that allocates. Changes nothing when it throws. */
  #advance(batch: Batch, learningRate: number, options: StepOptions): { loss: tf.Scalar; norms: LazyNorms | null } {
    const parts = partsOf(batch, this.#specification.accumulate ?? 1);
    // By part: running statistics see one after the other.
    const seen: BatchStatistics[][] = parts.map(() => []);
    const [differentiator, store, step] = [this.#differentiator, this.#store, this.#step];
    let norms: LazyNorms | null = null;
    try {
      const loss = tf.tidy(() => {
        if (parts.length === 1) {
          const { value, gradients } = differentiator.differentiate(batch, store.tensors(), { step, part: 0 }, seen[0]);
          norms = store.update(gradients, learningRate, options);
          return value;
        }
        const losses = parts.map(({ batch: images, share }, part) =>
          // The part's tensors go before the next part's come.
          tf.tidy(() => {
            const { value, gradients } = differentiator.differentiate(images, store.tensors(), { step, part }, seen[part]); // prettier-ignore
            store.gather(gradients, share);
            return tf.mul<tf.Scalar>(value, share);
          }),
        );
        const total = tf.addN(losses);
        norms = store.update('gathered', learningRate, options);
        return total;
      });
      for (const statistics of seen) store.updateStatistics(statistics);
      this.#step++;
      return { loss, norms };
    } finally {
      // Kept beyond the gradient's own scope for the running statistics.
      for (const { mean, varBiased } of seen.flat()) tf.dispose([mean, varBiased]);
    }
  }

  #scalar(tensor: tf.Scalar, accepted: Promise<void>): LazyScalar {
    return {
      read: async () => {
        try {
          // A synchronisation on the GPU: the loop reads losses late and in bulk.
          const [value] = await this.#watch.wait(() => tensor.data(), accepted);
          return value;
        } finally {
          tensor.dispose();
        }
      },
      dispose: () => tensor.dispose(),
    };
  }
}
