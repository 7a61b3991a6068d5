// Who holds the parameters and optimiser buffers of a training step. Two kinds: host-store.ts where the CPU reaches the
// backend's memory, device-store.ts where a read would be a synchronisation.

import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { LazyNorms, StepOptions, StepSpecification, TrainState } from '../contract';

/** What a store needs to know of a step. */
export type StoreSpecification = Pick<StepSpecification, 'optimizer' | 'clipNorm' | 'clipValue' | 'ema'>;

/** What one batch norm saw in one step. `varBiased` is divided by `count`, not by `count` - 1. */
export interface BatchStatistics {
  /** Names of the running statistics that it moves. */
  meanName: string;
  varianceName: string;
  mean: Tensor1D;
  varBiased: Tensor1D;
  count: number;
  momentum: number;
}

/** Gradients by name, of the parameters that move; a missing one is zero. */
export type Gradients = ReadonlyMap<string, Tensor>;

export interface ParameterStore {
  /** Ordinary memory that it holds beside its tensors. */
  readonly hostBytes: number;
  /** Every parameter as a tensor. Owned by the store; gone after the next `update`, `write` or `dispose`. */
  tensors(): ReadonlyMap<string, Tensor>;
  /** The same with the averages in place of the trainable parameters; without averaging, {@link tensors}. */
  averages(): ReadonlyMap<string, Tensor>;
  /** Adds `share` times these to the gradients of the next `update`. Neither keeps nor frees them. */
  gather(gradients: Gradients, share: number): void;
  /** Forgets what was gathered, and its tensors: the next ones are made anew. */
  discard(): void;
  /** One optimiser step with these gradients, or with those gathered. Neither keeps nor frees them. */
  update(gradients: Gradients | 'gathered', learningRate: number, options?: StepOptions): LazyNorms | null;
  /** running += momentum * (batch - running), variance unbiased. Neither keeps nor frees the tensors. */
  updateStatistics(seen: readonly BatchStatistics[]): void;
  /** Copies. */
  read(): Promise<TrainState>;
  /** Copies in. Without averages in the state they begin as the parameters. Throws `parameter-mismatch`. */
  write(state: TrainState): void;
  dispose(): void;
}

/** How much of the way an average goes to the value in step `step`, which counts from 1. */
export function averagingShare({ decay, warmup }: NonNullable<StoreSpecification['ema']>, step: number): number {
  return 1 - (warmup ? Math.min(decay, (1 + step) / (10 + step)) : decay);
}
