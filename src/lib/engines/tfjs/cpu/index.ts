// Training on the cpu backend: plain JavaScript in place of tfjs's slowest kernels. Sums are in double precision, which makes
// this backend the most exact one; it serves where nothing faster starts, and as the reference of the others.

import '@tensorflow/tfjs-backend-cpu';
import { getKernel } from '@tensorflow/tfjs-core';
import { CONV2D, registerOwnGradients } from '../own-ops';
import { batchNormKernels } from './kernels/batch-norm-train';
import { binaryKernels } from './kernels/binary';
import { conv2dKernels } from './kernels/conv2d';
import { register } from './kernels/definition';
import { depthwiseConv2dKernels } from './kernels/depthwise-conv2d';
import { matMulKernel } from './kernels/mat-mul';
import { moveKernels } from './kernels/move';
import { reduceKernels } from './kernels/reduce';

/** Registers our kernels for backend 'cpu'. Idempotent; call once before the first gradient. */
export function registerCpuTrainingKernels(): void {
  if (getKernel(CONV2D.forward, 'cpu')) return;
  const layers = [...conv2dKernels, ...depthwiseConv2dKernels, ...batchNormKernels, matMulKernel()];
  for (const kernel of [...layers, ...binaryKernels(), ...reduceKernels(), ...moveKernels()]) register(kernel);
  registerOwnGradients();
}
