// Does one operation of a policy to pixels.

import type { PixelImage } from './contract';
import { sharpness } from './filters';
import type { PolicyStep } from './policies';
import { policyAffine } from './policy-move';
import { autocontrast, brightness, color, contrast, equalize, invertTone, posterize, solarize } from './tone';
import { moveWhole, warpAffine, type Fill } from './warp';

/** The image itself where nothing changes. */
export function applyPolicyStep(image: PixelImage, step: PolicyStep, fill: Fill): PixelImage {
  const { operation, amount } = step;
  switch (operation) {
    case 'identity':
      return image;
    case 'shear_x':
    case 'shear_y':
    case 'rotate': {
      const move = policyAffine(step, image);
      return move === null ? image : warpAffine(image, move, { fill, border: 'cut' });
    }
    case 'translate_x':
      return amount === 0 ? image : moveWhole(image, { ...STILL, shiftX: -amount }, fill);
    case 'translate_y':
      return amount === 0 ? image : moveWhole(image, { ...STILL, shiftY: -amount }, fill);
    case 'brightness':
      return brightness(image, amount);
    case 'color':
      return color(image, amount);
    case 'contrast':
      return contrast(image, amount);
    case 'sharpness':
      return sharpness(image, amount);
    case 'posterize':
      return posterize(image, amount);
    case 'solarize':
      return solarize(image, amount);
    case 'autocontrast':
      return autocontrast(image);
    case 'equalize':
      return equalize(image);
    case 'invert':
      return invertTone(image);
    default:
      return operation satisfies never;
  }
}

const STILL = { flipX: false, flipY: false, shiftX: 0, shiftY: 0 };
