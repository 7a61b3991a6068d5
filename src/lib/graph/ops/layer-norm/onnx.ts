// LayerNormalization (opset 17), which wants the normalised axis last.

import type { OnnxLowering } from '../onnx-lowering';
import { float, fromChannelsLast, int, toChannelsLast } from '../onnx-lowering';

export const layerNorm: OnnxLowering<'layer_norm'> = (node, [x], emit) => {
  const { weight, bias } = node.parameters;
  const rank = x.shape.length;
  const y = emit.node(
    'LayerNormalization',
    [toChannelsLast(emit, x.name, rank), emit.parameter(weight), emit.parameter(bias)],
    { axis: int(-1), epsilon: float(node.attributes.epsilon) },
  );
  return fromChannelsLast(emit, y, rank);
};
