// The worker of wasm-threads.test.ts: runs a small network's operations on tfjs's threaded build with one thread, with
// several, and composed on the cpu backend, and posts how far they are apart.

import '@tensorflow/tfjs-backend-cpu';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import {
  batchNormTrain,
  conv2d,
  depthwiseConv2d,
  gelu,
  layerNorm,
  registerWasmTrainingKernels,
  startWasmThreads,
  type ConvGeometry,
} from '$lib/engines/tfjs/wasm';

export interface ThreadsReport {
  isolated: boolean;
  threads: number;
  /** Largest relative difference over the value and all gradients, from the cpu backend. */
  oneThread: number;
  manyThreads: number;
  /** Repetitions with several threads that gave other bits than the first. */
  unstable: number;
  /** Milliseconds a repetition. */
  milliseconds: { one: number; many: number };
  leakedTensors: number;
}

const THREADS = 3;
const REPETITIONS = 40;

const SHAPES: readonly number[][] = [
  [8, 17, 19, 3],
  [3, 3, 3, 20],
  [20],
  [20],
  [3, 3, 20, 1],
  [1, 1, 20, 36],
  [36],
  [36],
  [3, 3, 12, 30],
  [36],
  [36],
  [36, 36],
];

function values(shape: readonly number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape]);
  const data = Float32Array.from({ length: size }, (_, i) => 2 * (((i + 1) * 0.618_033_988_7 + seed * 0.414) % 1) - 1);
  return tf.tensor(data, [...shape]);
}

function geometry(stride: number, padding: number, dilation = 1): ConvGeometry {
  const padded = [padding, padding, padding, padding] as const;
  return { strides: [stride, stride], padding: padded, dilation: [dilation, dilation] };
}

function rank4(tensor: tf.Tensor): tf.Tensor4D {
  const [n, h, w, c] = tensor.shape;
  return tf.reshape<tf.Rank.R4>(tensor, [n, h, w, c]);
}

function rank1(tensor: tf.Tensor): tf.Tensor1D {
  return tf.reshape<tf.Rank.R1>(tensor, [tensor.size]);
}

/**
 * Every kernel that threads share: plain, pointwise, depthwise, grouped and dilated convolution, batch norm, gelu, layer norm,
 * matrix product, max pool.
 */
function network(x: tf.Tensor, ...p: tf.Tensor[]): tf.Tensor {
  let y = conv2d(rank4(x), rank4(p[0]), geometry(1, 1));
  y = batchNormTrain(y, rank1(p[1]), rank1(p[2]), 1e-5, 'relu6').y;
  y = depthwiseConv2d(y, rank4(p[3]), geometry(1, 1));
  y = conv2d(y, rank4(p[4]), geometry(1, 0));
  y = batchNormTrain(y, rank1(p[5]), rank1(p[6]), 1e-5, 'none').y;
  const rows = tf.reshape(layerNorm(gelu(y), p[8], p[9], 1e-6), [-1, 36]);
  y = rank4(tf.reshape(tf.matMul(rows, p[10]), y.shape));
  y = tf.maxPool(y, 3, 2, 'same');
  return conv2d(y, rank4(p[7]), geometry(2, 2, 2), 3);
}

function compute(): Float32Array[] {
  return tf.tidy(() => {
    const inputs = SHAPES.map((shape, i) => values(shape, i + 1));
    const { value, grads } = tf.valueAndGrads(network)(inputs, values([8, 5, 5, 30], 50));
    return [value, ...grads].map((tensor) => Float32Array.from(tensor.dataSync()));
  });
}

function difference(actual: Float32Array[], reference: Float32Array[]): number {
  const each = reference.map((wanted, i) => {
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    return wanted.reduce((most, value, j) => Math.max(most, Math.abs(actual[i][j] - value)), 0) / largest;
  });
  return Math.max(...each);
}

function timed(): number {
  const start = performance.now();
  for (let i = 0; i < 10; i++) compute();
  return (performance.now() - start) / 10;
}

async function report(): Promise<ThreadsReport> {
  const names = ['tfjs-backend-wasm', 'tfjs-backend-wasm-simd', 'tfjs-backend-wasm-threaded-simd'];
  setWasmPaths(Object.fromEntries(names.map((name, i) => [`${name}.wasm`, [plain, simd, threaded][i]])));
  setThreadsCount(1);
  registerWasmTrainingKernels();
  await tf.setBackend('cpu');
  const reference = compute();
  await tf.setBackend('wasm');
  const one = compute();
  const oneMs = timed();
  const threads = await startWasmThreads(THREADS);
  const many = compute();
  const before = tf.memory().numTensors;
  let unstable = 0;
  for (let i = 0; i < REPETITIONS; i++) {
    const again = compute();
    if (again.some((array, j) => array.some((value, k) => value !== many[j][k]))) unstable++;
  }
  return {
    isolated: crossOriginIsolated,
    threads,
    oneThread: difference(one, reference),
    manyThreads: difference(many, reference),
    unstable,
    milliseconds: { one: oneMs, many: timed() },
    leakedTensors: tf.memory().numTensors - before,
  };
}

report().then(
  (result) => postMessage(result),
  (error: unknown) => {
    // A rejection would end in the console alone.
    postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  },
);
