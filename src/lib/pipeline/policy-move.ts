// How a policy's operations move pixels: the matrices alone, for images, masks and boxes alike.

import type { PolicyStep } from './policies';
import type { Size } from './resize';
import { matrixOf, middle, type AffineMove, type Matrix } from './warp';

/** Null where the operation moves nothing. Shears are about the frame's top left corner, as in the papers' code. */
export function policyMove(step: PolicyStep, size: Size): Matrix | null {
  const move = policyAffine(step, size);
  return move === null ? null : matrixOf(move);
}

export function policyAffine({ operation, amount }: PolicyStep, size: Size): AffineMove | null {
  const corner = [-0.5, -0.5] as const;
  const still = [0, 0] as const;
  const same = [1, 0, 0, 1] as const;
  switch (operation) {
    case 'shear_x':
      return amount === 0 ? null : { linear: [1, amount, 0, 1], origin: corner, center: corner, shift: still };
    case 'shear_y':
      return amount === 0 ? null : { linear: [1, 0, amount, 1], origin: corner, center: corner, shift: still };
    case 'translate_x':
      return amount === 0 ? null : { linear: same, origin: still, center: still, shift: [-amount, 0] };
    case 'translate_y':
      return amount === 0 ? null : { linear: same, origin: still, center: still, shift: [0, -amount] };
    case 'rotate': {
      if (amount === 0) return null;
      const [cos, sin] = [Math.cos((amount * Math.PI) / 180), Math.sin((amount * Math.PI) / 180)];
      return { linear: [cos, -sin, sin, cos], origin: middle(size), center: middle(size), shift: still };
    }
    default:
      return null;
  }
}
