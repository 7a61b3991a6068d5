// Draws what an augmented sample will look like, as plain data; augment.ts does it to pixels.
// Every draw that a setting enables is made whatever the others came out as, so that a plan depends on nothing but its stream.

import type { RandomStream } from '$lib/core/random';
import { integer, shuffle } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { Corners } from './geometry';
import { drawPolicy, type PolicyStep } from './policies';
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

  /** Shares of the side, to the right and down. */
  translateX: number;
  translateY: number;
  /** Zoom factor. */
  scale: number;
  /** Degrees. */
  shearX: number;
  shearY: number;
  perspective: Corners | null;
  policy: readonly PolicyStep[];
  grayscale: boolean;
  /** Sigma in pixels of the sample; 0 is off. */
  blur: number;
  /** Factor of the sharpness; 1 is off. */
  sharpness: number;
  noise: { deviation: number; seed: number } | null;
  /** Quality; null is off. */
  jpeg: number | null;
  cutout: Box | null;
  /** Painted black, or with random bytes where there is a seed. */
  erasing: { box: Box; seed: number | null } | null;
}

/** The sigmas of blur are those of a sample of this side. */
const BLUR_SIDE = 224;

/**
 * Draws a plan for one sample of size `sample` whose decoded image has the size `source`. What the first version of jobs knew comes
 * first and in its order; what came later draws nothing where it is off, so that those jobs draw what they did.
 */
export function drawAugmentation(
  settings: AugmentSettings,
  source: Size,
  random: RandomStream,
  sample: Size = source,
): AugmentPlan {
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
  return {
    ...{ flipX, flipY, shiftX, shiftY, angle, jitter, crop },
    ...drawMoves(settings, random),
    ...drawSurface(settings, sample, random),
    policy: drawPolicy(settings.policy, sample, random),
    ...drawBlanks(settings, sample, random),
  };
}

type Moves = Pick<AugmentPlan, 'translateX' | 'translateY' | 'scale' | 'shearX' | 'shearY' | 'perspective'>;

function drawMoves({ translate, scale, shear, perspective }: AugmentSettings, random: RandomStream): Moves {
  const either = (limit: number) => (limit > 0 ? uniform(random, -limit, limit) : 0);
  const inward = () => uniform(random, 0, perspective);
  const zooms = scale[0] !== 1 || scale[1] !== 1;
  return {
    translateX: either(translate),
    translateY: either(translate),
    scale: zooms ? Math.exp(uniform(random, Math.log(scale[0]), Math.log(scale[1]))) : 1,
    shearX: either(shear),
    shearY: either(shear),
    perspective:
      perspective > 0 ? [inward(), inward(), inward(), inward(), inward(), inward(), inward(), inward()] : null,
  };
}

type Surface = Pick<AugmentPlan, 'grayscale' | 'blur' | 'sharpness' | 'noise' | 'jpeg'>;

function drawSurface(settings: AugmentSettings, sample: Size, random: RandomStream): Surface {
  const { grayscale, blur, sharpen, noise, jpeg } = settings;
  /** Null where it is off; else both numbers are drawn, whichever way the first one falls. */
  const maybe = <Value>(probability: number, draw: () => Value): Value | null => {
    if (probability === 0) return null;
    const taken = random() < probability;
    const value = draw();
    return taken ? value : null;
  };
  const scale = Math.min(sample.width, sample.height) / BLUR_SIDE;
  return {
    grayscale: maybe(grayscale, () => true) ?? false,
    blur: maybe(blur.probability, () => scale * uniform(random, blur.sigma[0], blur.sigma[1])) ?? 0,
    sharpness: maybe(sharpen.probability, () => sharpen.amount) ?? 1,
    noise: maybe(noise.probability, () => ({ deviation: noise.deviation, seed: integer(random, 2 ** 32) })),
    jpeg: maybe(jpeg.probability, () => between(random, jpeg.quality)),
  };
}

type Blanks = Pick<AugmentPlan, 'cutout' | 'erasing'>;

function drawBlanks({ cutout, erasing }: AugmentSettings, sample: Size, random: RandomStream): Blanks {
  let hole: Box | null = null;
  if (cutout.probability > 0) {
    const taken = random() < cutout.probability;
    const box = drawHole(cutout.size, sample, random);
    hole = taken ? box : null;
  }
  if (erasing.probability === 0) return { cutout: hole, erasing: null };
  const taken = random() < erasing.probability;
  const seed = integer(random, 2 ** 32);
  const box = drawRectangle(erasing, sample, random);
  const paint = erasing.fill === 'noise' ? seed : null;
  return { cutout: hole, erasing: taken && box !== null ? { box, seed: paint } : null };
}

/** DeVries and Taylor 2017: a square whose centre may be any pixel, so that part of it may lie outside. Null where nothing is left. */
function drawHole(size: number, { width, height }: Size, random: RandomStream): Box | null {
  const side = Math.round(size * Math.min(width, height));
  const left = integer(random, width) - (side >> 1);
  const top = integer(random, height) - (side >> 1);
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  const box = { x, y, width: Math.min(width, left + side) - x, height: Math.min(height, top + side) - y };
  return box.width > 0 && box.height > 0 ? box : null;
}

/** Zhong et al. 2020: area and aspect ratio until it fits; null where it never does. The aspect ratio is drawn as torchvision does. */
function drawRectangle(
  { area, ratio }: AugmentSettings['erasing'],
  { width, height }: Size,
  random: RandomStream,
): Box | null {
  for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
    const pixels = width * height * uniform(random, area[0], area[1]);
    const aspect = Math.exp(uniform(random, Math.log(ratio[0]), Math.log(ratio[1])));
    const h = Math.round(Math.sqrt(pixels * aspect));
    const w = Math.round(Math.sqrt(pixels / aspect));
    if (w < 1 || h < 1 || w >= width || h >= height) continue;
    return { y: integer(random, height - h + 1), x: integer(random, width - w + 1), width: w, height: h };
  }
  return null;
}

/** A whole number of the range, ends included. */
function between(random: RandomStream, [low, high]: readonly [number, number]): number {
  return Math.round(low) + integer(random, Math.round(high) - Math.round(low) + 1);
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
