// Sums of squares over stretches of a flat vector, for WebGPU: a kernel of ours with one work group for each stretch. With tfjs's
// own operations each parameter would cost a slice and a sum, some hundreds of kernels for a large network.

import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

const NAME = 'TrainyardSums';
const GROUP = 256;
/** Values that one work group adds: many groups keep the device busy where a parameter is large. */
const STRETCH = 16_384;

/** What tfjs's backend compiles and runs. Its own type is not exported. */
type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

/** out[i] = sum of x or of x * x over table[2i] .. table[2i] + table[2i + 1]. */
function program(rows: number, squares: boolean): Program {
  return {
    variableNames: ['x', 'table'],
    outputShape: [rows],
    workgroupSize: [GROUP, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [rows, 1, 1],
    shaderKey: `${NAME}_${squares}`,
    size: true,
    getUserCode: () => `
      var<workgroup> sums : array<f32, ${GROUP}>;
      fn main(index : i32) {
        let row = index / ${GROUP};
        var sum = 0.0;
        if (row < uniforms.size) {
          let begin = table[2 * row];
          let end = begin + table[2 * row + 1];
          for (var at = begin + i32(localId.x); at < end; at = at + ${GROUP}) {
            let value = x[at];
            sum = sum + ${squares ? 'value * value' : 'value'};
          }
        }
        sums[localId.x] = sum;
        workgroupBarrier();
        for (var half = ${GROUP / 2}u; half > 0u; half = half / 2u) {
          if (localId.x < half) { sums[localId.x] = sums[localId.x] + sums[localId.x + half]; }
          workgroupBarrier();
        }
        if (localId.x == 0u && row < uniforms.size) { setOutputAtIndex(row, sums[0]); }
      }
    `,
  };
}

/** Idempotent. */
export function registerSquareSums(): void {
  if (tf.getKernel(NAME, 'webgpu') !== undefined) return;
  tf.registerKernel({
    kernelName: NAME,
    backendName: 'webgpu',
    kernelFunc: ({ inputs: { x, table }, attrs, backend }) => {
      if (x === undefined || table === undefined) throw new Error('Nothing was given to add.');
      // The registration's name says which backend it is; tfjs's types do not.
      const gpu = backend as WebGPUBackend;
      return gpu.runWebGPUProgram(program(table.shape[0], attrs?.squares === true), [x, table], 'float32');
    },
  });
}

/** The two tables of a vector's stretches, on the device until disposed. */
export class SquareSums {
  readonly #stretches: tf.Tensor2D;
  readonly #groups: tf.Tensor2D;

  /** Null where the present backend has no such kernel. */
  static for(stretches: readonly { begin: number; size: number }[]): SquareSums | null {
    return tf.getKernel(NAME, tf.getBackend()) === undefined ? null : new SquareSums(stretches);
  }

  private constructor(stretches: readonly { begin: number; size: number }[]) {
    const pieces: number[][] = [];
    const groups = stretches.map(({ begin, size }) => {
      const first = pieces.length;
      for (let at = 0; at < size; at += STRETCH) pieces.push([begin + at, Math.min(STRETCH, size - at)]);
      return [first, pieces.length - first];
    });
    const table = (rows: number[][]): tf.Tensor2D => tf.keep(tf.tensor2d(rows, [rows.length, 2], 'int32'));
    this.#stretches = table(pieces);
    this.#groups = table(groups);
  }

  /** One sum for each stretch. Call inside tf.tidy. */
  of(flat: tf.Tensor1D): tf.Tensor1D {
    const sum = (x: tf.Tensor1D, table: tf.Tensor2D, squares: boolean): tf.Tensor1D =>
      tf.engine().runKernel(NAME, { x, table }, { squares });
    return sum(sum(flat, this.#stretches, true), this.#groups, false);
  }

  dispose(): void {
    tf.dispose([this.#stretches, this.#groups]);
  }
}
