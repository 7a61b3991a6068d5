// Mixes the images of a batch with each other, and their targets in the same shares: mixup and CutMix. What is mixed with what
// depends on (seed, epoch, step) and the batch's size alone. Runs on the trainer's side, after collation; knows no labels.

import { TrainyardError } from '$lib/core/errors';
import { integer, normal, shuffle, stream, type RandomStream } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { Box } from './resize';

export type MixSettings = Job['mix'];

/** [count, height, width, channels]. */
export type BatchShape = readonly [count: number, height: number, width: number, channels: number];

/** A row of numbers for each image: probabilities of classes, or anything else of which a weighted mean makes sense. */
export interface MixTargets {
  values: Float32Array | Int32Array;
  shape: readonly number[];
}

/** What happens to one batch. Image i becomes share * image i + (1 - share) * image partners[i], or gets the box of the latter. */
export interface MixPlan {
  kind: 'mixup' | 'cutmix';
  /** What is left of each image itself; of CutMix, the share of the pixels outside the box that was really pasted. */
  share: number;
  partners: readonly number[];
  /** cutmix: in pixels. */
  box: Box | null;
}

export type Mixer = <Images extends Uint8Array | Float32Array, Targets extends MixTargets>(
  images: Images,
  shape: BatchShape,
  targets: Targets,
  epoch: number,
  step: number,
) => { images: Images; targets: Targets };

/**
 * Null where the job mixes nothing. `features`: the rows are a backbone's answers, whose places are no longer pixels' places, so
 * that there is no box to cut: mixup alone (Verma et al. 2019 mix hidden states so), null where only CutMix is on.
 * Arguments of the mixer are left alone; bytes are rounded to the nearest, floats are not. Throws 'mix-targets' where targets are
 * numbers of classes rather than shares of them.
 */
export function createMixer(mix: MixSettings, seed: number, options: { features?: boolean } = {}): Mixer | null {
  const settings = options.features === true ? { ...mix, cutmix: 0 } : mix;
  if (settings.probability === 0 || (settings.mixup === 0 && settings.cutmix === 0)) return null;
  return (images, shape, targets, epoch, step) => {
    const plan = drawMix(settings, shape, stream(seed, 'mix', epoch, step));
    return plan === null ? { images, targets } : applyMix(plan, images, shape, targets);
  };
}

/** Null leaves the batch as it is. Draws: whether, which (with both), share, partners, corner of the box. */
export function drawMix(
  settings: MixSettings,
  [count, height, width]: BatchShape,
  random: RandomStream,
): MixPlan | null {
  if (random() >= settings.probability) return null;
  const cut = settings.cutmix > 0 && (settings.mixup === 0 || random() < 0.5);
  const share = beta(cut ? settings.cutmix : settings.mixup, random);
  // Any image, itself included, as in both papers' code.
  const partners = shuffle([...Array(count).keys()], random);
  if (!cut) return { kind: 'mixup', share, partners, box: null };
  const box = cutBox(1 - share, { height, width }, random);
  return { kind: 'cutmix', share: 1 - (box.width * box.height) / (width * height), partners, box };
}

/** Yun et al. 2019: sides in the root of the area, the centre anywhere, so that what lies outside is cut off. */
function cutBox(area: number, { height, width }: { height: number; width: number }, random: RandomStream): Box {
  const side = Math.sqrt(area);
  const [cutWidth, cutHeight] = [Math.floor(width * side), Math.floor(height * side)];
  const [centerX, centerY] = [integer(random, width), integer(random, height)];
  const left = Math.max(0, centerX - (cutWidth >> 1));
  const top = Math.max(0, centerY - (cutHeight >> 1));
  const right = Math.min(width, centerX - (cutWidth >> 1) + cutWidth);
  const bottom = Math.min(height, centerY - (cutHeight >> 1) + cutHeight);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Does it; new arrays. */
export function applyMix<Images extends Uint8Array | Float32Array, Targets extends MixTargets>(
  plan: MixPlan,
  images: Images,
  shape: BatchShape,
  targets: Targets,
): { images: Images; targets: Targets } {
  const mixed = images.slice() as Images; // slice() keeps the kind of array, which its type does not say.
  if (plan.box !== null) pasteBoxes(mixed, images, shape, plan.partners, plan.box);
  else if (mixed instanceof Uint8Array) blendBytes(mixed, images, plan);
  else blendFloats(mixed, images, plan);
  return { images: mixed, targets: { ...targets, values: mixTargets(targets, plan) } };
}

function pasteBoxes(
  mixed: Uint8Array | Float32Array,
  images: Uint8Array | Float32Array,
  [, height, width, channels]: BatchShape,
  partners: readonly number[],
  box: Box,
): void {
  const stride = width * channels;
  const corner = box.y * stride + box.x * channels;
  partners.forEach((partner, own) => {
    for (let row = 0; row < box.height; row++) {
      const from = partner * height * stride + corner + row * stride;
      mixed.set(images.subarray(from, from + box.width * channels), own * height * stride + corner + row * stride);
    }
  });
}

const BITS = 16;
const HALF = 1 << (BITS - 1);

/** Whole numbers: a third of the time of floats, and the shares add up to one exactly, so that equal bytes stay. */
function blendBytes(mixed: Uint8Array, images: Uint8Array | Float32Array, { share, partners }: MixPlan): void {
  const own = Math.round(share * (1 << BITS));
  const other = (1 << BITS) - own;
  const size = images.length / partners.length;
  partners.forEach((partner, index) => {
    for (let at = index * size, from = partner * size, end = at + size; at < end; at++, from++)
      mixed[at] = (own * images[at] + other * images[from] + HALF) >> BITS;
  });
}

function blendFloats(mixed: Float32Array, images: Uint8Array | Float32Array, { share, partners }: MixPlan): void {
  const size = images.length / partners.length;
  partners.forEach((partner, index) => {
    for (let at = index * size, from = partner * size, end = at + size; at < end; at++, from++)
      mixed[at] = share * images[at] + (1 - share) * images[from];
  });
}

function mixTargets({ values }: MixTargets, plan: MixPlan): Float32Array {
  if (!(values instanceof Float32Array))
    throw new TrainyardError(
      'mix-targets',
      'Images were to be mixed whose labels cannot be: the task gives numbers of classes, not shares of them.',
      'Turn mixup and CutMix off.',
    );
  const mixed = new Float32Array(values.length);
  blendFloats(mixed, values, plan);
  return mixed;
}

/** Beta(alpha, alpha), as the quotient of two gamma variates. */
export function beta(alpha: number, random: RandomStream): number {
  const [a, b] = [logGamma(alpha, random), logGamma(alpha, random)];
  // Logarithms: for small alphas both variates are often too small for a number of their own.
  return 1 / (1 + Math.exp(b - a));
}

/** The logarithm of a Gamma(alpha, 1) variate (Marsaglia and Tsang 2000); the number of its draws varies. */
function logGamma(alpha: number, random: RandomStream): number {
  // Below 1: Gamma(alpha) is Gamma(alpha + 1) * U^(1 / alpha).
  if (alpha < 1) return logGamma(alpha + 1, random) + Math.log(1 - random()) / alpha;
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
