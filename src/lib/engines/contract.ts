// What an engine promises. The training loop and the evaluator know engines through this file alone.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Graph, ParameterValues } from '$lib/graph/types';

export type BackendName = 'webgpu' | 'wasm' | 'cpu';
/** `auto`: WebGPU on a real adapter, else WASM. */
export type DeviceRequest = 'auto' | BackendName;

/** What runs, and why. Plain data, shown on the page and by `trainyard doctor`. */
export interface DeviceReport {
  engine: 'tfjs';
  backend: BackendName;
  /** 'NVIDIA RTX 3060', 'SwiftShader (software)', '2 threads, SIMD'. */
  adapter: string;
  /** One sentence: why this one. */
  reason: string;
  precision: 'float32';
  threads?: number;
  simd?: boolean;
  /** What else could be forced here, with the reason when it could not. */
  alternatives: readonly { backend: BackendName; available: boolean; reason: string }[];
}

/** Update rule and its constants, PyTorch semantics and names. */
export type OptimizerSpecification =
  | { name: 'sgd'; momentum: number; nesterov: boolean; weightDecay: number }
  | {
      name: 'adam' | 'adamw';
      betas: readonly [number, number];
      epsilon: number;
      weightDecay: number;
      /** The largest second moment so far divides. */
      amsgrad?: boolean;
    }
  | { name: 'rmsprop'; alpha: number; epsilon: number; momentum: number; weightDecay: number };

/** Mean loss of a batch from the model's output. Runs inside tf.tidy; must be differentiable by tfjs. */
export type LossFunction = (output: Tensor, targets: Tensor) => Tensor;

export interface StepSpecification {
  optimizer: OptimizerSpecification;
  loss: LossFunction;
  /** Weight decay on norms and biases too (PyTorch's plain behaviour) instead of on `decay` parameters alone. */
  decayAll: boolean;
  /** Global-norm clipping; 0 is off. */
  clipNorm: number;
  /** Each value of the gradient is cut off at +-this, before clipNorm; absent or 0: off. */
  clipValue?: number;
  /**
   * A batch is computed in this many parts of consecutive images (as equal as can be), whose gradients and losses are averaged by
   * their number of images. Batch norms see parts. Absent or 1: whole.
   */
  accumulate?: number;
  /**
   * Exponential moving average of the trainable parameters after each step: average += (1 - d) (value - average), d being `decay`
   * or, with warm-up, min(decay, (1 + t) / (10 + t)) for step t = 1, 2, ... Running statistics are not averaged. Null or absent: none.
   */
  ema?: { decay: number; warmup: boolean } | null;
  /** Parameters that do not move. A batch norm whose weight and bias are both among them keeps its running statistics, too. */
  frozen?: ReadonlySet<string>;
  /** Ids of batch norms that use and keep their running statistics although their scale and shift move. */
  frozenNorms?: ReadonlySet<string>;
  /** Factor of the learning rate by parameter name; 1 where there is none. */
  rateScale?: ReadonlyMap<string, number>;
  /** Steps done before a parameter first moved: AdamW's bias correction counts from there, as PyTorch's. 0 where there is none. */
  movesFrom?: ReadonlyMap<string, number>;
  /** Seed of dropout and stochastic depth; step t uses stream(seed, 'dropout', t, node). */
  seed: number;
}

/** Images as [n, height, width, 3], 0..255 bytes or ready floats (0..1); targets as the task made them. */
export interface Batch {
  images: Uint8Array | Float32Array;
  shape: readonly [count: number, height: number, width: number, channels: number];
  targets: TargetArray;
}

export interface TargetArray {
  values: Float32Array | Int32Array;
  shape: readonly number[];
}

/** A number that is still on the device. */
export interface LazyScalar {
  /** Waits for the device. May be read once; frees the tensor. */
  read(): Promise<number>;
  /** Frees without reading. */
  dispose(): void;
}

/** All that must be kept to go on with the same bits. */
export interface TrainState {
  /** Steps done. */
  step: number;
  parameters: Map<string, Float32Array>;
  /** Averages of the trainable parameters by name; absent without EMA. */
  ema?: Map<string, Float32Array>;
  /** Optimiser buffers by name, PyTorch's ('momentum_buffer' is 'momentum' here, 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq', 'square_avg'), each flat over the trainable parameters in graph order. */
  optimizer: Map<string, Float32Array>;
}

export interface StepOptions {
  /** Replaces the rule's own for this step (Adam, AdamW: the first beta). */
  momentum?: number;
  /** Norms by trainable parameter of this step: of the gradients (before clipping) alone, or of weights and updates, too. */
  norms?: 'gradient' | 'all';
}

/** Euclidean norms of one step, still on the device. One value for each of `names`. */
export interface LazyNorms {
  readonly names: readonly string[];
  /** Waits for the device. May be read once; frees the tensors. */
  read(): Promise<{ gradient: Float32Array; weight?: Float32Array; update?: Float32Array }>;
  /** Frees without reading. */
  dispose(): void;
}

/** Where the time of a step goes. */
export interface StepProfile {
  /** Milliseconds. */
  total: number;
  /** 'timestamps' of the GPU, else the host's clock; by that a GPU tells the total alone, its kernels have 0 milliseconds. */
  source: 'timestamps' | 'clock';
  /** Longest first; of all calls of a kernel together. */
  kernels: readonly { name: string; calls: number; milliseconds: number; bytes: number }[];
}

/** Owns parameters and optimiser state on the device until disposed. */
export interface TrainStep {
  /**
   * Enqueues one forward, backward and update. The batch may be reused when it returns. Loss is the batch's before the update.
   * An error that the device caused is a TrainyardError 'out-of-memory' or 'device-lost'; after the first the step is as it was before. A GPU
   * tells late, when the loss is read: then nothing but {@link restore} gives numbers again. Renewing the engine is right after both.
   */
  run(batch: Batch, learningRate: number, options?: StepOptions): { loss: LazyScalar; norms: LazyNorms | null };
  /** Evaluation-mode outputs with the present weights; with EMA with its averages, unless `raw`. */
  predict(batch: Batch, options?: { raw?: boolean }): Promise<Prediction>;
  /** One more step as {@link run} makes it, timed by op. Changes the weights: use a step that is thrown away. */
  profile(batch: Batch, learningRate: number): Promise<StepProfile>;
  /** Copies to the host: a synchronisation. */
  state(): Promise<TrainState>;
  /** Copies in; the caller keeps ownership. */
  restore(state: TrainState): void;
  dispose(): void;
}

export interface Prediction {
  /** Output of the graph, flat. */
  output: Float32Array;
  outputShape: readonly number[];
  /** Pooled features when the graph names them and they were asked for. */
  features?: Float32Array;
}

export interface Predictor {
  predict(batch: Batch, options?: { features?: boolean }): Promise<Prediction>;
  dispose(): void;
}

export interface Engine {
  readonly device: DeviceReport;
  /** Takes copies of the parameters. */
  compile(graph: Graph, parameters: ParameterValues, specification: StepSpecification): TrainStep;
  predictor(graph: Graph, parameters: ParameterValues): Predictor;
  /** Bytes that the device has reserved for tensors, with the parameters, and the number of tensors. */
  memory(): { bytes: number; tensors: number };
  /** Settles when the device is lost, with the reason; from then on nothing works but {@link renew}. Never on a CPU. */
  readonly lost: Promise<string>;
  /** The same kind of device anew, after a loss. Steps and predictors of the old one are gone. Throws 'device-unavailable'. */
  renew(): Promise<Engine>;
  /** The largest number of bytes up to `wanted` that the device grants at this moment, tried by allocating and freeing them. */
  probe(wanted: number): Promise<number>;
}
