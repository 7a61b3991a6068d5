// The non-linearities; those that opset 17 lacks (SiLU, both GELUs) are composed.

import type { OnnxLowering } from '../onnx-lowering';
import { float } from '../onnx-lowering';

export const activation: OnnxLowering<'activation'> = (node, [{ name: x }], emit) => {
  const constant = (value: number): string => emit.floats([value], []);
  const { kind, slope = 0 } = node.attributes;
  switch (kind) {
    case 'relu':
      return emit.node('Relu', [x]);
    case 'relu6':
      return emit.node('Clip', [x, constant(0), constant(6)]);
    case 'leaky_relu':
      return emit.node('LeakyRelu', [x], { alpha: float(slope) });
    case 'sigmoid':
      return emit.node('Sigmoid', [x]);
    case 'tanh':
      return emit.node('Tanh', [x]);
    case 'silu':
      return emit.node('Mul', [x, emit.node('Sigmoid', [x])]);
    case 'gelu': {
      // x / 2 * (1 + erf(x / sqrt 2))
      const erf = emit.node('Erf', [emit.node('Mul', [x, constant(Math.SQRT1_2)])]);
      const half = emit.node('Mul', [x, constant(0.5)]);
      return emit.node('Mul', [half, emit.node('Add', [erf, constant(1)])]);
    }
    case 'gelu_tanh': {
      // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
      const square = emit.node('Mul', [x, x]);
      const curve = emit.node('Add', [emit.node('Mul', [square, constant(0.044715)]), constant(1)]);
      const inner = emit.node('Mul', [emit.node('Mul', [x, curve]), constant(Math.sqrt(2 / Math.PI))]);
      const half = emit.node('Mul', [x, constant(0.5)]);
      return emit.node('Mul', [half, emit.node('Add', [emit.node('Tanh', [inner]), constant(1)])]);
    }
    case 'hard_sigmoid':
      // PyTorch's slope; ONNX's default is 0.2.
      return emit.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
    case 'hard_swish':
      return emit.node('HardSwish', [x]);
    default:
      return kind satisfies never;
  }
};
