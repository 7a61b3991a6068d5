// Random changes of a training image, decided by a stream of its own (seed, epoch, item): the same whichever worker does it.
// Order: random resized crop or the usual preprocessing, shift, flips, rotation, colour jitter.

import type { RandomStream } from '$lib/core/random';
import { drawAugmentation, type AugmentPlan, type AugmentSettings } from './augment-plan';
import { colorJitter } from './color-jitter';
import type { PixelImage } from './contract';
import { applyPreprocess, type PixelPreprocess } from './preprocess';
import { resize } from './resize';
import type { WeightCache } from './weights';

/** What shift and rotation uncover, all channels: black, torchvision's default. */
export const AUGMENT_FILL = 0;

/** True when the settings change nothing. */
export function isIdentity(settings: AugmentSettings): boolean {
  const { horizontal_flip, vertical_flip, shift, rotation, random_resized_crop, color_jitter } = settings;
  const { brightness, contrast, saturation, hue } = color_jitter;
  const strengths = [horizontal_flip, vertical_flip, shift, rotation, brightness, contrast, saturation, hue];
  return !random_resized_crop.enabled && strengths.every((strength) => strength === 0);
}

/** A decoded image of any size as one augmented sample of the net's size. */
export function augment(
  image: PixelImage,
  settings: AugmentSettings,
  preprocess: PixelPreprocess,
  random: RandomStream,
  cache?: WeightCache,
): PixelImage {
  const plan = drawAugmentation(settings, image, random);
  const [height, width] = preprocess.imageSize;
  const { interpolation } = preprocess;
  const sized =
    plan.crop === null
      ? applyPreprocess(image, preprocess, cache)
      : resize(image, { width, height }, { interpolation }, { source: plan.crop, cache });
  return colorJitter(move(sized, plan), plan.jitter);
}

/** Shift, flips and rotation in one go: copied pixel by pixel, or sampled once where there is an angle. */
export function move(image: PixelImage, plan: Omit<AugmentPlan, 'crop' | 'jitter'>): PixelImage {
  if (plan.angle !== 0) return rotate(image, plan);
  if (!plan.flipX && !plan.flipY && plan.shiftX === 0 && plan.shiftY === 0) return image;
  return copyMoved(image, plan);
}

type Move = Pick<AugmentPlan, 'flipX' | 'flipY' | 'shiftX' | 'shiftY'>;

function copyMoved({ width, height, data }: PixelImage, { flipX, flipY, shiftX, shiftY }: Move): PixelImage {
  const result = new Uint8Array(data.length).fill(AUGMENT_FILL);
  for (let y = 0; y < height; y++) {
    const sourceY = (flipY ? height - 1 - y : y) + shiftY;
    if (sourceY < 0 || sourceY >= height) continue;
    for (let x = 0; x < width; x++) {
      const sourceX = (flipX ? width - 1 - x : x) + shiftX;
      if (sourceX < 0 || sourceX >= width) continue;
      const from = (sourceY * width + sourceX) * 3;
      const to = (y * width + x) * 3;
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: result };
}

/**
 * Bilinear, about the centre, inside the same frame; outside the source is {@link AUGMENT_FILL}. With a shift, what the shift
 * moved out of the frame may come back into view, which cropping first would have lost.
 */
function rotate({ width, height, data }: PixelImage, plan: Omit<AugmentPlan, 'crop' | 'jitter'>): PixelImage {
  const result = new Uint8Array(data.length);
  const radians = (plan.angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [centerX, centerY] = [(width - 1) / 2, (height - 1) / 2];
  const [signX, signY] = [plan.flipX ? -1 : 1, plan.flipY ? -1 : 1];
  // The inverse: from a pixel of the result to the point of the source. y points down, so +angle turns counter-clockwise.
  const columnX = signX * cos;
  const columnY = signY * sin;
  let to = 0;
  for (let y = 0; y < height; y++) {
    let sourceX = signX * (-centerX * cos - (y - centerY) * sin) + centerX + plan.shiftX;
    let sourceY = signY * (-centerX * sin + (y - centerY) * cos) + centerY + plan.shiftY;
    for (let x = 0; x < width; x++, to += 3, sourceX += columnX, sourceY += columnY) {
      const left = Math.floor(sourceX);
      const top = Math.floor(sourceY);
      if (left < -1 || top < -1 || left >= width || top >= height) {
        result[to] = result[to + 1] = result[to + 2] = AUGMENT_FILL;
        continue;
      }
      const right = sourceX - left;
      const below = sourceY - top;
      for (let channel = 0; channel < 3; channel++) {
        const upper =
          at(data, width, height, left, top, channel) * (1 - right) +
          at(data, width, height, left + 1, top, channel) * right;
        const lower =
          at(data, width, height, left, top + 1, channel) * (1 - right) +
          at(data, width, height, left + 1, top + 1, channel) * right;
        result[to + channel] = Math.round(upper * (1 - below) + lower * below);
      }
    }
  }
  return { width, height, data: result };
}

function at(
  data: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  x: number,
  y: number,
  channel: number,
) {
  return x < 0 || y < 0 || x >= width || y >= height ? AUGMENT_FILL : data[(y * width + x) * 3 + channel];
}
