// Published augmentation policies, as tables and as plans drawn from them: RandAugment (Cubuk et al. 2020), TrivialAugment's wide
// space (Mueller and Hutter 2021), AutoAugment's policies (Cubuk et al. 2019). Strengths and signs as in torchvision.

import { integer, type RandomStream } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { Size } from './resize';

export type PolicySettings = Job['augment']['policy'];

export const OPERATIONS = [
  'identity',
  'shear_x',
  'shear_y',
  'translate_x',
  'translate_y',
  'rotate',
  'brightness',
  'color',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'autocontrast',
  'equalize',
  'invert',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/**
 * One operation with what it does it by: shear the tangent, translate whole pixels, rotate degrees counter-clockwise, brightness
 * to sharpness the factor, posterize the bits that stay, solarize the level from which on it inverts; others nothing.
 */
export interface PolicyStep {
  operation: Operation;
  amount: number;
}

/** Largest strengths; posterize in bits that go. Translation in pixels of a sample of that size. */
interface Space {
  shear: number;
  translate: Size;
  rotate: number;
  enhance: number;
  posterize: number;
}

const standard = ({ width, height }: Size): Space => ({
  shear: 0.3,
  translate: { width: (150 / 331) * width, height: (150 / 331) * height },
  rotate: 30,
  enhance: 0.9,
  posterize: 4,
});
const WIDE: Space = { shear: 0.99, translate: { width: 32, height: 32 }, rotate: 135, enhance: 0.99, posterize: 6 };

/** `level` from 0 to 1, `sign` 1 or -1. */
function stepOf(operation: Operation, level: number, sign: number, space: Space): PolicyStep {
  switch (operation) {
    case 'shear_x':
    case 'shear_y':
      return { operation, amount: sign * level * space.shear };
    case 'translate_x':
      return { operation, amount: sign * Math.trunc(level * space.translate.width) };
    case 'translate_y':
      return { operation, amount: sign * Math.trunc(level * space.translate.height) };
    case 'rotate':
      return { operation, amount: sign * level * space.rotate };
    case 'brightness':
    case 'color':
    case 'contrast':
    case 'sharpness':
      return { operation, amount: 1 + sign * level * space.enhance };
    case 'posterize':
      return { operation, amount: 8 - Math.round(level * space.posterize) };
    case 'solarize':
      return { operation, amount: 255 * (1 - level) };
    case 'identity':
    case 'autocontrast':
    case 'equalize':
    case 'invert':
      return { operation, amount: 0 };
    default:
      return operation satisfies never;
  }
}

/** RandAugment's and TrivialAugment's: all but invert. */
const SEARCHED = OPERATIONS.filter((operation) => operation !== 'invert');
/** Strengths that there are in both. */
const LEVELS = 31;

/** Signs are drawn whether the operation has one or not. */
export function drawPolicy(settings: PolicySettings, sample: Size, random: RandomStream): PolicyStep[] {
  const sign = () => (random() < 0.5 ? -1 : 1);
  switch (settings.name) {
    case 'none':
      return [];
    case 'randaugment':
      return Array.from({ length: settings.operations }, () => {
        const operation = SEARCHED[integer(random, SEARCHED.length)];
        return stepOf(operation, settings.magnitude / (LEVELS - 1), sign(), standard(sample));
      });
    case 'trivialaugment': {
      const operation = SEARCHED[integer(random, SEARCHED.length)];
      return [stepOf(operation, integer(random, LEVELS) / (LEVELS - 1), sign(), WIDE)];
    }
    case 'autoaugment_imagenet':
    case 'autoaugment_cifar10':
    case 'autoaugment_svhn': {
      const pairs = AUTOAUGMENT[settings.name];
      return pairs[integer(random, pairs.length)].flatMap(({ operation, tenths, level }) => {
        const [taken, side] = [random() * 10 < tenths, sign()];
        // Ten strengths, from 0 to 9.
        return taken ? [stepOf(operation, (level ?? 0) / 9, side, standard(sample))] : [];
      });
    }
    default:
      return settings.name satisfies never;
  }
}

const CODES = {
  X: 'shear_x',
  Y: 'shear_y',
  H: 'translate_x',
  V: 'translate_y',
  R: 'rotate',
  B: 'brightness',
  K: 'color',
  C: 'contrast',
  N: 'sharpness',
  P: 'posterize',
  S: 'solarize',
  A: 'autocontrast',
  E: 'equalize',
  I: 'invert',
} as const satisfies Record<string, Operation>;

interface Entry {
  operation: Operation;
  /** Probability in tenths. */
  tenths: number;
  /** 0 to 9; null where the operation has no strength. */
  level: number | null;
}

/** 'P48 R69' is posterize with 0.4 at strength 8, then rotate with 0.6 at 9; 't' is ten tenths. */
function pairsOf(table: string): Entry[][] {
  const isCode = (letter: string): letter is keyof typeof CODES => letter in CODES;
  const entry = (text: string): Entry => {
    const [letter, tenths, level] = text;
    if (!isCode(letter)) throw new RangeError(`No operation is called ${letter}.`);
    const strength = level === undefined ? null : Number(level);
    return { operation: CODES[letter], tenths: tenths === 't' ? 10 : Number(tenths), level: strength };
  };
  return table.split(',').map((pair) => pair.trim().split(' ').map(entry));
}

/** The papers' tables 7 (CIFAR-10), 8 (SVHN) and 9 (ImageNet), as torchvision numbers them. */
export const AUTOAUGMENT = {
  autoaugment_imagenet: pairsOf(
    `P48 R69, S65 A6, E8 E6, P67 P66, E4 S24, E4 R88, S63 E6, P85 Et, R23 S68, E6 P46, R88 K40, R49 E6, E0 E8,
     I6 Et, K64 Ct8, R88 Kt2, K88 S87, N47 I6, X65 Et, K40 E6, E4 S24, S65 A6, I6 Et, K64 Ct8, E8 E6`,
  ),
  autoaugment_cifar10: pairsOf(
    `I1 C26, R72 H39, N81 N93, Y58 V79, A5 E9, Y27 P37, K43 B67, N39 B79, E6 E5, C67 N65, K77 H58, E3 A4, V43 N26,
     B96 K28, S52 I0, E2 A6, E2 E6, K99 E6, A8 S28, B13 K70, S45 A9, V99 V79, A9 S83, E8 I1, V79 A9`,
  ),
  autoaugment_svhn: pairsOf(
    `X94 I2, Y98 I7, E6 S66, I9 E6, E6 R93, X94 A8, Y98 I4, Y95 S26, I9 A8, E6 R93, X94 S33, Y88 I7, E9 V66, I9 E6,
     C33 R84, I8 V02, Y76 S48, I6 R84, Y37 H93, X16 I6, S72 V67, Y84 I8, X79 V83, Y85 A7, X72 I1`,
  ),
};
