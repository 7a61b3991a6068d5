// Draws what an augmented sample will look like, as plain data; augment.ts does it to pixels.
// Every draw that a setting enables is made whatever the others came out as, so that a plan depends on nothing but its stream.

import type { RandomStream } from '$lib/core/random';
import { integer, shuffle } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { Box, Size } from './resize';

/** The job's `augment`. */
export type AugmentSettings = Job['augment'];

export type JitterStep =
  { kind: 'brightness' | 'contrast' | 'saturation'; factor: number } | { kind: 'hue'; turns: number };

export interface AugmentPlan {
  flipX: boolean;
  flipY: boolean;
  /** Where the crop's corner lies relative to the image's, -shift..shift: pixels (x, y) become (x - shiftX, y - shiftY). */
  shiftX: number;
  shiftY: number;
  /** Degrees, counter-clockwise. */
  angle: number;
  /** In the order in which they are applied. */
  jitter: readonly JitterStep[];
  /** The part of the source that becomes the sample; null takes the usual preprocessing. */
  crop: Box | null;
}

/** Draws a plan for one sample whose decoded image has this size. */
export function drawAugmentation(settings: AugmentSettings, source: Size, random: RandomStream): AugmentPlan {
  const flipX = settings.horizontal_flip > 0 && random() < settings.horizontal_flip;
  const flipY = settings.vertical_flip > 0 && random() < settings.vertical_flip;
  const { shift, rotation, random_resized_crop: resized } = settings;
  // torchvision's RandomCrop(size, padding): every corner of the padded image is equally likely.
  const shiftX = shift > 0 ? integer(random, 2 * shift + 1) - shift : 0;
  const shiftY = shift > 0 ? integer(random, 2 * shift + 1) - shift : 0;
  const angle = rotation > 0 ? uniform(random, -rotation, rotation) : 0;
  const jitter = drawJitter(settings.color_jitter, random);
  // Last, because the number of its draws varies.
  const crop = resized.enabled ? drawCrop(resized, source, random) : null;
  return { flipX, flipY, shiftX, shiftY, angle, jitter, crop };
}

/** torchvision's ColorJitter: factors from [1 - x, 1 + x] not below 0, hue from [-x, x], in random order. */
function drawJitter(settings: AugmentSettings['color_jitter'], random: RandomStream): JitterStep[] {
  const steps: JitterStep[] = [];
  for (const kind of ['brightness', 'contrast', 'saturation'] as const) {
    const strength = settings[kind];
    if (strength > 0) steps.push({ kind, factor: uniform(random, Math.max(0, 1 - strength), 1 + strength) });
  }
  if (settings.hue > 0) steps.push({ kind: 'hue', turns: uniform(random, -settings.hue, settings.hue) });
  return shuffle(steps, random);
}

const CROP_ATTEMPTS = 10;

/** torchvision's RandomResizedCrop: area and aspect ratio are drawn until the box fits, else the middle is taken. */
function drawCrop(
  settings: AugmentSettings['random_resized_crop'],
  { width, height }: Size,
  random: RandomStream,
): Box {
  const { scale, ratio } = settings;
  for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
    const area = width * height * uniform(random, scale[0], scale[1]);
    const aspect = Math.exp(uniform(random, Math.log(ratio[0]), Math.log(ratio[1])));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { y: integer(random, height - h + 1), x: integer(random, width - w + 1), width: w, height: h };
  }
  const aspect = width / height;
  const w = aspect > ratio[1] ? Math.round(height * ratio[1]) : width;
  const h = aspect < ratio[0] ? Math.round(width / ratio[0]) : height;
  const box = { width: Math.min(width, Math.max(1, w)), height: Math.min(height, Math.max(1, h)) };
  return { x: (width - box.width) >> 1, y: (height - box.height) >> 1, ...box };
}

function uniform(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random();
}
