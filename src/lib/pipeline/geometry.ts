// What of an augmentation's plan moves pixels, as one move of the whole frame; and how masks and boxes follow it. No pixels of
// images are touched here.

import type { AugmentPlan } from './augment-plan';
import type { Size } from './resize';
import { invert, matrixOf, middle, multiply, type AffineMove, type Matrix, type WholeMove } from './warp';

/** The cheapest way to make the plan's move; null where nothing moves. */
export type Move =
  { kind: 'whole'; move: WholeMove } | { kind: 'affine'; move: AffineMove } | { kind: 'perspective'; matrix: Matrix };

/** What of a plan moves the sample within its frame. */
export type MovePlan = Pick<AugmentPlan, 'flipX' | 'flipY' | 'shiftX' | 'shiftY' | 'angle'> &
  Partial<Pick<AugmentPlan, 'translateX' | 'translateY' | 'scale' | 'shearX' | 'shearY' | 'perspective'>>;

const RADIANS = Math.PI / 180;

/**
 * In this order: shift, flips, rotation, shear (along x, then along y), zoom, all about the middle; translation, rounded to whole
 * pixels so that it alone blurs nothing; perspective.
 */
export function moveOf(plan: MovePlan, size: Size): Move | null {
  const { flipX, flipY, shiftX, shiftY, angle, translateX = 0, translateY = 0 } = plan;
  const { scale = 1, shearX = 0, shearY = 0, perspective = null } = plan;
  const [byX, byY] = [Math.round(translateX * size.width), Math.round(translateY * size.height)];
  const turned = angle !== 0 || scale !== 1 || shearX !== 0 || shearY !== 0;
  if (!turned && perspective === null) {
    // Flipped after the shift, so a translation counts the other way in the source.
    const move = { flipX, flipY, shiftX: shiftX + (flipX ? byX : -byX), shiftY: shiftY + (flipY ? byY : -byY) };
    const still = !flipX && !flipY && move.shiftX === 0 && move.shiftY === 0;
    return still ? null : { kind: 'whole', move };
  }
  const [cos, sin] = [Math.cos(angle * RADIANS), Math.sin(angle * RADIANS)];
  const [signX, signY] = [flipX ? -1 : 1, flipY ? -1 : 1];
  const [tanX, tanY] = [Math.tan(shearX * RADIANS), Math.tan(shearY * RADIANS)];
  // The inverse: from the result back through zoom and shear, then turn, then flips. y points down: +angle is counter-clockwise.
  const [p, q, r, s] = [(1 + tanX * tanY) / scale, -tanX / scale, -tanY / scale, 1 / scale];
  const linear = [
    signX * (cos * p - sin * r),
    signX * (cos * q - sin * s),
    signY * (sin * p + cos * r),
    signY * (sin * q + cos * s),
  ] as const;
  const center = middle(size);
  const origin = [center[0] + byX, center[1] + byY] as const;
  const move: AffineMove = { linear, origin, center, shift: [shiftX, shiftY] };
  if (perspective === null) return { kind: 'affine', move };
  return { kind: 'perspective', matrix: multiply(matrixOf(move), cornersMatrix(perspective, size)) };
}

/** From the result to the source. */
export function moveMatrix(move: Move, size: Size): Matrix {
  if (move.kind === 'perspective') return move.matrix;
  if (move.kind === 'affine') return matrixOf(move.move);
  const { flipX, flipY, shiftX, shiftY } = move.move;
  const x = (flipX ? size.width - 1 : 0) + shiftX;
  const y = (flipY ? size.height - 1 : 0) + shiftY;
  return [flipX ? -1 : 1, 0, x, 0, flipY ? -1 : 1, y, 0, 0, 1];
}

/** Of the corners from the top left one clockwise, x and y: how far each has come in, as a share of half the side. */
export type Corners = readonly [number, number, number, number, number, number, number, number];

/** From the result to the source: the quadrilateral of the moved corners shows the whole frame. */
export function cornersMatrix(corners: Corners, { width, height }: Size): Matrix {
  // The edges of the outermost pixels, not their centres: the frame itself moves.
  const [halfX, halfY] = [width / 2, height / 2];
  const signs = [1, 1, -1, 1, -1, -1, 1, -1];
  const starts = [0, 0, width, 0, width, height, 0, height].map((value) => value - 0.5);
  for (let inward = corners; ; inward = inward.map((share) => share / 2) as unknown as Corners) {
    const ends = starts.map((start, i) => start + signs[i] * inward[i] * (i % 2 === 0 ? halfX : halfY));
    // Beyond two thirds a corner may pass the line between its neighbours, and the frame would fold; half as much then.
    if (isConvex(ends)) return multiply(fromUnit(starts), invert(fromUnit(ends)));
  }
}

function isConvex(points: readonly number[]): boolean {
  for (let corner = 0; corner < 4; corner++) {
    const [ax, ay, bx, by, cx, cy] = [0, 1, 2].flatMap((step) => {
      const at = ((corner + step) % 4) * 2;
      return [points[at], points[at + 1]];
    });
    if ((bx - ax) * (cy - by) - (by - ay) * (cx - bx) <= 1e-6) return false;
  }
  return true;
}

/** Heckbert 1989, 2.2.3: the matrix that takes the unit square to a quadrilateral. */
function fromUnit([x0, y0, x1, y1, x2, y2, x3, y3]: readonly number[]): Matrix {
  const [sumX, sumY] = [x0 - x1 + x2 - x3, y0 - y1 + y2 - y3];
  const [dx1, dx2, dy1, dy2] = [x1 - x2, x3 - x2, y1 - y2, y3 - y2];
  const determinant = dx1 * dy2 - dx2 * dy1;
  const g = (sumX * dy2 - dx2 * sumY) / determinant;
  const h = (dx1 * sumY - sumX * dy1) / determinant;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1];
}
