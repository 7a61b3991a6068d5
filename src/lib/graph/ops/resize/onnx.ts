// Resize to a fixed size: bilinear is half-pixel or corner-aligned, nearest takes floor(i * in / out).

import type { OnnxLowering } from '../onnx-lowering';
import { int, storedShape, string } from '../onnx-lowering';

export const resize: OnnxLowering<'resize'> = (node, [x], emit) => {
  const { method, alignCorners } = node.attributes;
  const sizes = emit.node('Concat', [emit.batch(), emit.ints(storedShape(node.shape))], { axis: int(0) });
  // Sizes, not scales: a scale such as 7 / 3 has no exact float32. The empty names leave out roi and scales.
  return emit.node('Resize', [x.name, '', '', sizes], {
    mode: string(method === 'bilinear' ? 'linear' : 'nearest'),
    coordinate_transformation_mode: string(
      method === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel',
    ),
    ...(method === 'nearest' ? { nearest_mode: string('floor') } : {}),
  });
};
