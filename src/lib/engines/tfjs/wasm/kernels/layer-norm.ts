// The kernel pair of layer norm for wasm: one pass over the rows each way, where composed operations take nine and some twenty.

import * as tf from '@tensorflow/tfjs-core';
import { LAYER_NORM, type LayerNormAttributes } from '../../transformer-ops';
import { floatsAt, withScratch } from '../heap';
import { attributesAs } from '../../convolution-kernels';
import { type KernelContext, type WasmKernel } from './definition';

/** Rows whose parameter gradients are summed in float32 before they join the rest in double precision. */
const CHUNK = 128;

/** Floats that are worth waking a thread for. */
const GRAIN_FLOATS = 32_768;

function sizeOf(context: KernelContext): { shape: number[]; rows: number; channels: number } {
  const { shape } = context.input('x');
  const channels = shape[shape.length - 1];
  return { shape, rows: tf.util.sizeFromShape(shape) / channels, channels };
}

/** Addresses of inputs by name. */
function inputs<Name extends string>({ address, input }: KernelContext, ...names: Name[]): Record<Name, number> {
  // Built key by key from the names, which fromEntries forgets.
  return Object.fromEntries(names.map((name) => [name, address(input(name))])) as Record<Name, number>;
}

/** Adds [chunks][2][channels] in double precision into two tensors' memory. */
function addPartials(
  memory: WebAssembly.Memory,
  partial: number,
  chunks: number,
  channels: number,
  to: number[],
): void {
  const partials = floatsAt(memory, partial, chunks * 2 * channels);
  to.forEach((target, which) => {
    const sums = new Float64Array(channels);
    for (let chunk = 0; chunk < chunks; chunk++) {
      const from = (2 * chunk + which) * channels;
      for (let c = 0; c < channels; c++) sums[c] += partials[from + c];
    }
    floatsAt(memory, target, channels).set(sums);
  });
}

export const layerNormKernels: readonly WasmKernel[] = [
  {
    name: LAYER_NORM.forward,
    run: (context) => {
      const { native, address, output } = context;
      const { epsilon } = attributesAs<LayerNormAttributes>(context);
      const { shape, rows, channels } = sizeOf(context);
      const outputs = [output(shape), output([rows]), output([rows])];
      const [y, mean, inverse] = outputs.map(address);
      const { x, gamma, beta } = inputs(context, 'x', 'gamma', 'beta');
      const grain = Math.ceil(GRAIN_FLOATS / channels);
      native.split('layerNormForward', rows, grain, (first, count) => {
        const [at, row] = [4 * first * channels, 4 * first];
        return [x + at, gamma, beta, y + at, mean + row, inverse + row, count, channels, 1 / channels, epsilon];
      });
      return outputs;
    },
  },
  {
    name: LAYER_NORM.gradient,
    run: (context) => {
      const { native, address, output } = context;
      const { shape, rows, channels } = sizeOf(context);
      const outputs = [output(shape), output([channels]), output([channels])];
      const [dx, dGamma, dBeta] = outputs.map(address);
      const { x, dy, gamma, mean, inverse } = inputs(context, 'x', 'dy', 'gamma', 'mean', 'inverse');
      const chunks = Math.ceil(rows / CHUNK);
      const chunkBytes = 8 * channels;
      withScratch(native, chunks * chunkBytes, (partial) => {
        native.split('layerNormGradient', chunks, Math.ceil(GRAIN_FLOATS / (CHUNK * channels)), (first, count) => {
          const row = first * CHUNK;
          const at = 4 * row * channels;
          const own = [
            x + at,
            dy + at,
            gamma,
            mean + 4 * row,
            inverse + 4 * row,
            dx + at,
            partial + first * chunkBytes,
          ];
          return [...own, Math.min(count * CHUNK, rows - row), CHUNK, channels, 1 / channels];
        });
        addPartials(native.memory, partial, chunks, channels, [dGamma, dBeta]);
      });
      return outputs;
    },
  },
];
