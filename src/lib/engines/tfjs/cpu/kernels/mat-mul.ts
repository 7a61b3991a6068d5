// tfjs's matrix product for cpu, through panels. Its own is a plain triple loop in blocks of 48.

import * as tf from '@tensorflow/tfjs-core';
import { pack, storeRows, type Strided } from '../compute/panels';
import { multiply } from '../compute/product';
import { attributesAs } from '../../convolution-kernels';
import { type CpuKernel } from './definition';

/** Wraps tfjs's kernel, which must be registered already: it keeps the rare cases. */
export function matMulKernel(): CpuKernel {
  const original = tf.getKernel(tf.BatchMatMul, 'cpu');
  return {
    name: tf.BatchMatMul,
    run: (context) => {
      const { input, values, output, call } = context;
      const [a, b] = [input('a'), input('b')];
      const { transposeA, transposeB } = attributesAs<tf.BatchMatMulAttrs>(context);
      const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
      const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
      const [batch, batchA, batchB] = [outer, outerA, outerB].map((shape) => tf.util.sizeFromShape(shape));
      const broadcastsUnevenly = (batchA !== 1 && batchA !== batch) || (batchB !== 1 && batchB !== batch);
      if (broadcastsUnevenly || a.dtype !== 'float32' || b.dtype !== 'float32') return original.kernelFunc(call);
      const [aRows, aColumns] = a.shape.slice(-2);
      const [bRows, bColumns] = b.shape.slice(-2);
      const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
      const n = transposeB ? bRows : bColumns;
      const y = output([...outer, m, n]);
      const [left, right] = [values('a'), values('b')];
      for (let index = 0; index < batch; index++) {
        const rows: Strided = {
          at: left,
          begin: batchA === 1 ? 0 : index * m * k,
          ...(transposeA ? { line: 1, step: aColumns } : { line: aColumns, step: 1 }),
        };
        const columns: Strided = {
          at: right,
          begin: batchB === 1 ? 0 : index * k * n,
          ...(transposeB ? { line: bColumns, step: 1 } : { line: 1, step: bColumns }),
        };
        multiply({
          ...{ m, n, k },
          packA: (into, row, count, step, steps) => pack(rows, into, row, count, step, steps),
          packB: (into) => pack(columns, into, 0, n, 0, k),
          store: (c, stride, row, count) => storeRows(c, stride, count, n, y.values, (index * m + row) * n, n),
        });
      }
      return y.info;
    },
  };
}
