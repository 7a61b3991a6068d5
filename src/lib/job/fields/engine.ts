// The fields of a job that say what computes it and what is recorded of it. Data alone.

import type { Fields } from '$lib/core/schema';

export const MONITORING = {
  type: 'object',
  title: 'Monitoring',
  help: 'What is recorded beside loss and metrics.',
  group: 'Device and seed',
  fields: {
    norms_every: {
      type: 'integer',
      title: 'Norms of the layers every',
      help: 'Records the norms of weights, gradients and updates of each layer every so many steps. 0 is off.',
      unit: 'steps',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 100000,
    },
  },
} as const satisfies Fields[string];

export const ENGINE = {
  type: 'object',
  title: 'Device',
  help: 'What computes.',
  group: 'Device and seed',
  fields: {
    name: {
      type: 'choice',
      title: 'Engine',
      help: 'The program that computes the network.',
      advanced: true,
      default: 'auto',
      options: [
        { value: 'auto', title: 'Automatic' },
        { value: 'tfjs', title: 'TensorFlow.js' },
      ],
    },
    device: {
      type: 'choice',
      title: 'Device',
      help: 'Where it computes. Automatic takes the graphics card where there is a real one.',
      default: 'auto',
      options: [
        { value: 'auto', title: 'Automatic' },
        { value: 'webgpu', title: 'Graphics card (WebGPU)' },
        { value: 'wasm', title: 'Processor (WebAssembly)' },
        { value: 'cpu', title: 'Processor (plain JavaScript, slow)' },
      ],
    },
    memory_check: {
      type: 'boolean',
      title: 'Check the memory first',
      help: 'Before the run, what it needs is compared with what the device grants; a batch that does not fit is computed in parts.',
      advanced: true,
      default: true,
    },
  },
} as const satisfies Fields[string];
