// Who holds the parameters and optimiser buffers of a training step. Two kinds: host-store.ts where the CPU reaches the
// backend's memory, device-store.ts where a read would be a synchronisation.

import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { TrainState } from '../contract';

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

export interface ParameterStore {
  /** Ordinary memory that it holds beside its tensors. */
  readonly hostBytes: number;
  /** Every parameter as a tensor. Owned by the store; gone after the next `update`, `write` or `dispose`. */
  tensors(): ReadonlyMap<string, Tensor>;
  /** One optimiser step. `gradients` holds those of the parameters that move; a missing one is zero. Neither keeps nor frees them. */
  update(gradients: ReadonlyMap<string, Tensor>, learningRate: number, momentum?: number): void;
  /** running += momentum * (batch - running), variance unbiased. Neither keeps nor frees the tensors. */
  updateStatistics(seen: readonly BatchStatistics[]): void;
  /** Copies. */
  read(): Promise<TrainState>;
  /** Copies in. Throws `parameter-mismatch`. */
  write(state: TrainState): void;
  dispose(): void;
}
