// ResizeBilinear, half-pixel or corner-aligned, and ResizeNearestNeighbor, floor(i * in / out).

import type { GraphDefLowering } from '../graphdef-lowering';
import { bool } from '../graphdef-lowering';

export const resize: GraphDefLowering<'resize'> = (node, [x], emit) => {
  const { size, method, alignCorners } = node.attributes;
  const nearest = method === 'nearest';
  return emit.node(nearest ? 'ResizeNearestNeighbor' : 'ResizeBilinear', [x.name, emit.ints(size)], {
    align_corners: bool(alignCorners),
    half_pixel_centers: bool(!nearest && !alignCorners),
  });
};
