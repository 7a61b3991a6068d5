// The reference engine: TensorFlow.js computes the forward pass and the gradients, we the update.

import * as tf from '@tensorflow/tfjs-core';
import { TrainyardError } from '$lib/core/errors';
import type { Graph, ParameterValues } from '$lib/graph/types';
import type { DeviceReport, Engine, Predictor, StepSpecification, TrainStep } from '../contract';
import { DeviceStore } from './device-store';
import { HostStore } from './host-store';
import { layOut } from './parameter-layout';
import { TfjsPredictor } from './predictor';
import { TfjsTrainStep } from './train-step';
import * as kernels from './wasm';

/** Computes on the backend that `device` names, which must be tfjs's current one and stay so. */
export class TfjsEngine implements Engine {
  readonly device: DeviceReport;

  constructor(device: DeviceReport) {
    this.device = device;
    this.#checkBackend();
  }

  compile(graph: Graph, parameters: ParameterValues, specification: StepSpecification): TrainStep {
    this.#checkBackend();
    const layout = layOut(graph, specification);
    const Store = this.device.backend === 'webgpu' ? DeviceStore : HostStore;
    const store = new Store(layout, parameters, specification);
    return new TfjsTrainStep(graph, layout, store, kernels, specification);
  }

  predictor(graph: Graph, parameters: ParameterValues): Predictor {
    this.#checkBackend();
    return new TfjsPredictor(graph, parameters, kernels);
  }

  memory(): { bytes: number; tensors: number } {
    const { numBytes, numTensors } = tf.memory();
    return { bytes: numBytes, tensors: numTensors };
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
