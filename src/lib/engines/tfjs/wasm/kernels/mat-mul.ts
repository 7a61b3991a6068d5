// tfjs's matrix product for wasm: it takes XNNPACK only for plain single products and a loop without SIMD (twelve times
// slower, measured) for transposed or batched ones. Those go through our product here; gradients need nothing else. With threads,
// plain ones do too: XNNPACK's 25 GFLOP/s are one thread's, and ours is as fast on each.

import * as tf from '@tensorflow/tfjs-core';
import { multiply } from '../compute/matrix';
import { attributesAs } from '../../convolution-kernels';
import { type KernelContext, type WasmKernel } from './definition';

function product(context: KernelContext, original: tf.KernelConfig): tf.TensorInfo | tf.TensorInfo[] {
  const [a, b] = [context.input('a'), context.input('b')];
  const { transposeA, transposeB } = attributesAs<tf.BatchMatMulAttrs>(context);
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
  const [batch, batchA, batchB] = [outer, outerA, outerB].map((shape) => tf.util.sizeFromShape(shape));
  const broadcastsUnevenly = (batchA !== 1 && batchA !== batch) || (batchB !== 1 && batchB !== batch);
  if (
    (!transposeA && !transposeB && batch === 1 && context.native.threads === 1) ||
    broadcastsUnevenly ||
    a.dtype !== 'float32' ||
    b.dtype !== 'float32'
  ) {
    return original.kernelFunc({
      inputs: { a, b },
      backend: context.backend,
      attrs: context.attributes,
    });
  }
  const [aRows, aColumns] = a.shape.slice(-2);
  const [bRows, bColumns] = b.shape.slice(-2);
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const y = context.output([...outer, m, n]);
  for (let i = 0; i < batch; i++) {
    multiply(context.native, {
      a: context.address(a) + (batchA === 1 ? 0 : i * m * k * 4),
      aStride: aColumns * 4,
      aTransposed: transposeA,
      b: context.address(b) + (batchB === 1 ? 0 : i * k * n * 4),
      bStrides: transposeB ? [4, bColumns * 4] : [bColumns * 4, 4],
      c: context.address(y) + i * m * n * 4,
      cStride: n * 4,
      ...{ m, n, k, accumulate: false },
    });
  }
  return y;
}

/** Wraps tfjs's kernel, which must be registered already. */
export function matMulKernel(): WasmKernel {
  const original = tf.getKernel(tf.BatchMatMul, 'wasm');
  return { name: tf.BatchMatMul, run: (context) => product(context, original), setup: original.setupFunc };
}
