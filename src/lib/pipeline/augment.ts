// Random changes of a training image, decided by a stream of its own (seed, epoch, item): the same whichever worker does it.
// Order: random resized crop or the usual preprocessing; all moves in one; the policy; colours; blur and sharpness; noise; JPEG;
// cutout and random erasing. What is drawn is in augment-plan.ts.

import type { RandomStream } from '$lib/core/random';
import { drawAugmentation, type AugmentPlan, type AugmentSettings } from './augment-plan';
import { colorJitter } from './color-jitter';
import type { PixelImage } from './contract';
import { gaussianBlur, sharpness } from './filters';
import { followBoxes, followMask, stepsOf, type BoxAnnotation, type IndexImage } from './follow';
import { moveOf, type MovePlan } from './geometry';
import { jpegArtefacts } from './jpeg';
import { addNoise, blank } from './noise';
import { applyPolicyStep } from './policy-pixels';
import { applyPreprocess, type PixelPreprocess } from './preprocess';
import { resize } from './resize';
import { grayscale } from './tone';
import { FILL_LEVELS, moveWhole, warpAffine, warpPerspective, type Fill } from './warp';
import type { WeightCache } from './weights';

/** True when the settings change nothing. */
export function isIdentity(settings: AugmentSettings): boolean {
  const { color_jitter: color, random_resized_crop: crop, scale, policy } = settings;
  const strengths = [
    ...[settings.horizontal_flip, settings.vertical_flip, settings.shift, settings.rotation],
    ...[settings.translate, settings.shear, settings.perspective],
    ...[color.brightness, color.contrast, color.saturation, color.hue, settings.grayscale],
    ...[settings.blur.probability, settings.noise.probability * settings.noise.deviation],
    ...[settings.jpeg.probability, settings.erasing.probability, settings.cutout.probability * settings.cutout.size],
    settings.sharpen.probability * (settings.sharpen.amount - 1),
  ];
  const still = scale[0] === 1 && scale[1] === 1;
  const noPolicy = policy.name === 'none' || (policy.name === 'randaugment' && policy.operations === 0);
  return !crop.enabled && still && noPolicy && strengths.every((strength) => strength === 0);
}

/** A decoded image of any size as one augmented sample of the net's size. */
export function augment(
  image: PixelImage,
  settings: AugmentSettings,
  preprocess: PixelPreprocess,
  random: RandomStream,
  cache?: WeightCache,
): PixelImage {
  const [height, width] = preprocess.imageSize;
  const plan = drawAugmentation(settings, image, random, { width, height });
  return applyPlan(image, plan, preprocess, settings.fill, cache);
}

export interface Sample<Annotation extends BoxAnnotation = BoxAnnotation> {
  image: PixelImage;
  /** Of the image's size. */
  mask?: IndexImage;
  /** In the image's pixels. */
  boxes?: readonly Annotation[];
}

export interface SampleOptions {
  cache?: WeightCache;
  /** Of a mask where there is no image: black or grey fill, letterboxing. Default 0; give the index that the loss ignores. */
  outside?: number;
  /** Boxes of which less than this share of their area is still to be seen are left out. Default 0.1. */
  visible?: number;
}

/**
 * The same as {@link augment} for an image with what is drawn on it: the mask takes the nearest pixel, boxes become the rectangle
 * around what is left of them. With the fill 'edge' a mask repeats its edge, too. What is blanked (cutout, erasing) keeps both.
 */
export function augmentSample<Annotation extends BoxAnnotation>(
  sample: Sample<Annotation>,
  settings: AugmentSettings,
  preprocess: PixelPreprocess,
  random: RandomStream,
  options: SampleOptions = {},
): Sample<Annotation> {
  const [height, width] = preprocess.imageSize;
  const plan = drawAugmentation(settings, sample.image, random, { width, height });
  return applyPlanToSample(sample, plan, preprocess, settings.fill, options);
}

/** Does what was drawn to an image, its mask and its boxes. */
export function applyPlanToSample<Annotation extends BoxAnnotation>(
  { image, mask, boxes }: Sample<Annotation>,
  plan: AugmentPlan,
  preprocess: PixelPreprocess,
  fill: Fill,
  { cache, outside = 0, visible = 0.1 }: SampleOptions = {},
): Sample<Annotation> {
  const steps = stepsOf(plan, image, preprocess, fill);
  return {
    image: applyPlan(image, plan, preprocess, fill, cache),
    ...(mask !== undefined && { mask: followMask(mask, steps, outside) }),
    ...(boxes !== undefined && { boxes: followBoxes(boxes, steps, visible) }),
  };
}

/** Does what was drawn. */
export function applyPlan(
  image: PixelImage,
  plan: AugmentPlan,
  preprocess: PixelPreprocess,
  fill: Fill,
  cache?: WeightCache,
): PixelImage {
  const [height, width] = preprocess.imageSize;
  const { interpolation } = preprocess;
  const sized =
    plan.crop === null
      ? applyPreprocess(image, preprocess, cache)
      : resize(image, { width, height }, { interpolation }, { source: plan.crop, cache });
  const moved = move(sized, plan, fill);
  const changed = plan.policy.reduce((next, step) => applyPolicyStep(next, step, fill), moved);
  return blanked(surface(changed, plan), plan);
}

/** All that moves pixels in one go: copied pixel by pixel, or sampled once where they do not fall on each other. */
export function move(image: PixelImage, plan: MovePlan, fill: Fill = 'black'): PixelImage {
  const made = moveOf(plan, image);
  if (made === null) return image;
  const outside = { fill, border: 'blend' } as const;
  switch (made.kind) {
    case 'whole':
      return moveWhole(image, made.move, fill);
    case 'affine':
      return warpAffine(image, made.move, outside);
    case 'perspective':
      return warpPerspective(image, made.matrix, outside);
    default:
      return made satisfies never;
  }
}

/** What leaves every pixel in its place. */
function surface(image: PixelImage, plan: AugmentPlan): PixelImage {
  let next = colorJitter(image, plan.jitter);
  if (plan.grayscale) next = grayscale(next);
  if (plan.blur > 0) next = gaussianBlur(next, plan.blur);
  if (plan.sharpness !== 1) next = sharpness(next, plan.sharpness);
  if (plan.noise !== null) next = addNoise(next, plan.noise.deviation, plan.noise.seed);
  if (plan.jpeg !== null) next = jpegArtefacts(next, plan.jpeg);
  return next;
}

/** Cutout's square is grey: near the mean, and so near 0 after normalisation, which is what its paper fills in. */
function blanked(image: PixelImage, { cutout, erasing }: AugmentPlan): PixelImage {
  const holed = cutout === null ? image : blank(image, cutout, { level: FILL_LEVELS.grey });
  if (erasing === null) return holed;
  return blank(holed, erasing.box, erasing.seed === null ? { level: 0 } : { seed: erasing.seed });
}
