// The non-linearities; what TensorFlow lacks is composed.

import type { GraphDefLowering } from '../graphdef-lowering';
import { float } from '../graphdef-lowering';

export const activation: GraphDefLowering<'activation'> = (node, [{ name: x }], emit) => {
  const constant = (value: number): string => emit.floats([value], []);
  /** min(max(x + 3, 0), 6) / 6, PyTorch's hard sigmoid. */
  const hardSigmoid = (): string =>
    emit.node('Mul', [emit.node('Relu6', [emit.node('AddV2', [x, constant(3)])]), constant(1 / 6)]);
  const { kind, slope = 0 } = node.attributes;
  switch (kind) {
    case 'relu':
      return emit.node('Relu', [x]);
    case 'relu6':
      return emit.node('Relu6', [x]);
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
      return emit.node('Mul', [emit.node('Mul', [x, constant(0.5)]), emit.node('AddV2', [erf, constant(1)])]);
    }
    case 'gelu_tanh': {
      // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
      const square = emit.node('Mul', [x, x]);
      const curve = emit.node('AddV2', [emit.node('Mul', [square, constant(0.044715)]), constant(1)]);
      const inner = emit.node('Mul', [emit.node('Mul', [x, curve]), constant(Math.sqrt(2 / Math.PI))]);
      const half = emit.node('Mul', [x, constant(0.5)]);
      return emit.node('Mul', [half, emit.node('AddV2', [emit.node('Tanh', [inner]), constant(1)])]);
    }
    case 'hard_sigmoid':
      return hardSigmoid();
    case 'hard_swish':
      return emit.node('Mul', [x, hardSigmoid()]);
    default:
      return kind satisfies never;
  }
};
