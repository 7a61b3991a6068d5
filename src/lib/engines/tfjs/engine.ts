// The reference engine: TensorFlow.js computes the forward pass and the gradients, we the update.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { DeviceReport, Engine, Predictor, StepSpecification, TrainStep } from '../contract';
import { DeviceStore } from './device-store';
import type { DeviceWatch } from './device-watch';
import { HostStore } from './host-store';
import { inferenceKernels } from './kernels';
import { layOut } from './parameter-layout';
import { TfjsPredictor } from './predictor';
import { probeMemory } from './probe';
import { TfjsTrainStep } from './train-step';
import { wasmBackend } from './wasm/heap';
import { nativeFor } from './wasm/native';

/** Computes on the backend that `device` names, which must be tfjs's current one and stay so. */
export class TfjsEngine implements Engine {
  readonly device: DeviceReport;
  readonly #watch: DeviceWatch;
  readonly #restart: () => Promise<Engine>;
  readonly #steps = new Set<TfjsTrainStep>();
  readonly #predictors = new Set<TfjsPredictor>();

  /** `restart` starts the same device anew and makes an engine on it. */
  constructor(device: DeviceReport, watch: DeviceWatch, restart: () => Promise<Engine>) {
    this.device = device;
    this.#watch = watch;
    this.#restart = restart;
    this.#checkBackend();
  }

  get lost(): Promise<string> {
    return this.#watch.lost;
  }

  compile(graph: Graph, parameters: ParameterValues, specification: StepSpecification): TrainStep {
    this.#checkBackend();
    const layout = layOut(graph, specification);
    const Store = this.device.backend === 'webgpu' ? DeviceStore : HostStore;
    const store = new Store(layout, parameters, specification);
    const kernels = inferenceKernels(this.device);
    const step = new TfjsTrainStep(graph, layout, store, kernels, specification, this.#watch, (done) =>
      this.#steps.delete(done),
    );
    this.#steps.add(step);
    return step;
  }

  predictor(graph: Graph, parameters: ParameterValues): Predictor {
    this.#checkBackend();
    const kernels = inferenceKernels(this.device);
    const predictor = new TfjsPredictor(graph, parameters, kernels, this.#watch, (done) =>
      this.#predictors.delete(done),
    );
    this.#predictors.add(predictor);
    return predictor;
  }

  /**
   * What the device has reserved: on the GPU all buffers, on wasm the heap (neither shrinks while the engine lives), on the
   * CPU the tensors of this moment; and the parameters of the training steps that are alive.
   */
  memory(): { bytes: number; tensors: number } {
    const parameters = [...this.#steps].reduce((sum, step) => sum + step.hostBytes, 0);
    return { bytes: reservedBytes() + parameters, tensors: tf.memory().numTensors };
  }

  async renew(): Promise<Engine> {
    // Before the backend goes: their tensors could not be freed afterwards.
    for (const user of [...this.#steps, ...this.#predictors]) user.dispose();
    return this.#restart();
  }

  probe(wanted: number): Promise<number> {
    return probeMemory(this.device.backend, wanted);
  }

  #checkBackend(): void {
    const current = tf.getBackend();
    if (current === this.device.backend) return;
    throw new TrainyardError(
      'backend-changed',
      `This engine computes on ${this.device.backend}, but TensorFlow.js was switched to ${current}.`,
      'Use one engine per worker.',
      { badInput: false },
    );
  }
}

function reservedBytes(): number {
  const memory = tf.memory();
  if ('numBytesAllocatedInGPU' in memory) return Number(memory.numBytesAllocatedInGPU);
  // tfjs counts a clone as bytes of its own, although it shares its original's.
  return tf.getBackend() === 'wasm' ? nativeFor(wasmBackend(tf.backend())).memory.buffer.byteLength : memory.numBytes;
}
