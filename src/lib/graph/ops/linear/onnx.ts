// Gemm on vectors, MatMul on sequences, a 1 x 1 convolution on images. The weight stays [out, in], PyTorch's layout.

import type { OnnxLowering } from '../onnx-lowering';
import { int, ints, optionalParameter } from '../onnx-lowering';

export const linear: OnnxLowering<'linear'> = (node, [x], emit) => {
  const { weight, bias } = node.parameters;
  const weights = emit.parameter(weight);
  const biases = optionalParameter(emit, bias);
  switch (x.shape.length) {
    case 1:
      return emit.node('Gemm', [x.name, weights, ...biases], { transB: int(1) });
    case 3: {
      const kernel = emit.node('Unsqueeze', [weights, emit.ints([2, 3])]);
      return emit.node('Conv', [x.name, kernel, ...biases], { kernel_shape: ints(1, 1) });
    }
    default: {
      const product = emit.node('MatMul', [x.name, emit.transpose(weights, [1, 0])]);
      return biases.length === 0 ? product : emit.node('Add', [product, ...biases]);
    }
  }
};
