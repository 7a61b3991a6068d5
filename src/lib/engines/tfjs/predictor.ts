// Evaluation-mode passes.

import * as tf from '@tensorflow/tfjs-core';
import type { Kernels } from '$lib/graph/ops/forward';
import { foldBatchNorm } from '$lib/graph/passes';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { Batch, Prediction, Predictor } from '../contract';
import { HostWatch } from './device-watch';
import type { DeviceWatch } from './device-watch';
import { planForward, runForward } from './forward';
import type { ForwardPlan } from './forward';
import { imagesToTensor } from './images';
import { layOut, valuesOf } from './parameter-layout';

/** One batch through the graph, read back. Frees all but the parameters, also when it throws. A function makes them when they are needed. */
export async function predictWith(
  plan: ForwardPlan,
  parameters: ReadonlyMap<string, tf.Tensor> | (() => ReadonlyMap<string, tf.Tensor>),
  kernels: Kernels,
  batch: Pick<Batch, 'images' | 'shape'>,
  withFeatures: boolean,
  watch: DeviceWatch = new HostWatch(),
): Promise<Prediction> {
  const { value: wanted, accepted } = watch.enqueue(() => {
    const present = typeof parameters === 'function' ? parameters() : parameters;
    return tf.tidy(() => {
      const images = imagesToTensor(batch, plan.graph);
      const { output, features } = runForward(plan, images, present, kernels, null);
      return withFeatures && features !== null ? [output, features] : [output];
    });
  });
  try {
    // A synchronisation: the caller needs the numbers.
    const read = (): Promise<Float32Array[]> => Promise.all(wanted.map((tensor) => tensor.data<'float32'>()));
    const [output, features] = await watch.wait(read, accepted);
    const prediction: Prediction = { output, outputShape: wanted[0].shape };
    return features === undefined ? prediction : { ...prediction, features };
  } finally {
    tf.dispose(wanted);
  }
}

export class TfjsPredictor implements Predictor {
  readonly #plan: ForwardPlan;
  readonly #parameters: ReadonlyMap<string, tf.Tensor>;
  readonly #kernels: Kernels;
  readonly #watch: DeviceWatch;
  readonly #onDispose: (predictor: TfjsPredictor) => void;

  /** Takes copies of the parameters. */
  constructor(
    graph: Graph,
    parameters: ParameterValues,
    kernels: Kernels,
    watch: DeviceWatch = new HostWatch(),
    onDispose: (predictor: TfjsPredictor) => void = () => {},
  ) {
    this.#kernels = kernels;
    this.#watch = watch;
    this.#onDispose = onDispose;
    layOut(graph, { decayAll: false }).trainable.forEach((placed) => valuesOf(parameters, placed));
    // Half the passes over the activations: a folded norm and its ReLU are part of the convolution.
    const folded = foldBatchNorm(graph, parameters);
    this.#plan = planForward(folded.graph);
    const { trainable, statistics } = layOut(folded.graph, { decayAll: false });
    const tensors = [...trainable, ...statistics].map((placed) => {
      const values = valuesOf(folded.parameters, placed);
      return [placed.name, tf.keep(tf.tensor(values, placed.shape, 'float32'))] as const;
    });
    this.#parameters = new Map(tensors);
  }

  predict(batch: Batch, options: { features?: boolean } = {}): Promise<Prediction> {
    return predictWith(this.#plan, this.#parameters, this.#kernels, batch, options.features ?? false, this.#watch);
  }

  dispose(): void {
    for (const tensor of this.#parameters.values()) tensor.dispose();
    this.#onDispose(this);
  }
}
