// Operations and policies against Pillow 9.4 and torchvision 0.14; tests/fixtures/augment/operations.py made the numbers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stream } from '$lib/core/random';
import type { PixelImage } from '$lib/pipeline/contract';
import { gaussianBlur } from '$lib/pipeline/filters';
import { jpegArtefacts } from '$lib/pipeline/jpeg';
import { AUTOAUGMENT, drawPolicy, OPERATIONS, type Operation, type PolicyStep } from '$lib/pipeline/policies';
import { applyPolicyStep } from '$lib/pipeline/policy-pixels';
import { grayscale } from '$lib/pipeline/tone';

interface Encoded {
  width: number;
  height: number;
  pixels: string;
}
interface Golden {
  image: Encoded;
  operations: { operation: string; amount: number; pixels: string }[];
  blurs: { sigma: number; pixels: string }[];
  grey: string;
  large: Encoded;
  jpegs: { quality: number; pixels: string }[];
  policies: Record<string, [string, number, number | null][][]>;
  spaces: Record<string, Record<string, number | number[]>>;
}

const file = join(import.meta.dirname, '../../fixtures/augment/operations.json');
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const decode = ({ width, height, pixels }: Encoded): PixelImage => ({ width, height, data: bytes(pixels) });
const image = decode(golden.image);

/** Largest and mean distance in grey levels. */
function distance(actual: PixelImage, expected: Uint8Array): { largest: number; mean: number } {
  expect(actual.data).toHaveLength(expected.length);
  const gaps = [...actual.data].map((value, i) => Math.abs(value - expected[i]));
  return { largest: Math.max(...gaps), mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length };
}

const NAMES: Readonly<Record<string, Operation>> = {
  Identity: 'identity',
  ShearX: 'shear_x',
  ShearY: 'shear_y',
  TranslateX: 'translate_x',
  TranslateY: 'translate_y',
  Rotate: 'rotate',
  Brightness: 'brightness',
  Color: 'color',
  Contrast: 'contrast',
  Sharpness: 'sharpness',
  Posterize: 'posterize',
  Solarize: 'solarize',
  AutoContrast: 'autocontrast',
  Equalize: 'equalize',
  Invert: 'invert',
};
const ENHANCED = ['Brightness', 'Color', 'Contrast', 'Sharpness'];
/** torchvision's magnitude as our amount: enhancements are factors here, distances from 1 there. */
const amountOf = (name: string, magnitude: number) => magnitude + (ENHANCED.includes(name) ? 1 : 0);

describe('an operation is what Pillow makes of it', () => {
  test('and none is left out', () => {
    expect(new Set(golden.operations.map(({ operation }) => NAMES[operation]))).toEqual(new Set(OPERATIONS));
  });

  test.each(golden.operations)('$operation by $amount', ({ operation, amount, pixels }) => {
    const step = { operation: NAMES[operation], amount: amountOf(operation, amount) };
    const { largest, mean } = distance(applyPolicyStep(image, step, 'black'), bytes(pixels));
    const sampled = ['ShearX', 'ShearY', 'Rotate'].includes(operation);
    // Pillow cuts off what it samples where we round, which is half a level on average; the rest is equal.
    expect(largest).toBeLessThanOrEqual(sampled ? 1 : 0);
    expect(mean).toBeLessThan(sampled ? 0.5 : 1e-9);
  });

  test('grayscale', () => {
    expect(distance(grayscale(image), bytes(golden.grey)).largest).toBe(0);
  });

  test.each(golden.blurs)('Gaussian blur, sigma $sigma', ({ sigma, pixels }) => {
    // Ours rounds between its two passes.
    expect(distance(gaussianBlur(image, sigma), bytes(pixels)).largest).toBeLessThanOrEqual(1);
  });

  test.each(golden.jpegs)('JPEG of quality $quality', ({ quality, pixels }) => {
    const large = decode(golden.large);
    // libjpeg computes its transforms in whole numbers, so that a coefficient half-way between two steps may fall to the other
    // side: a tenth of what the compression does, and nothing at the coarsest quality.
    const untouched = distance(large, bytes(pixels)).mean;
    expect(untouched).toBeGreaterThan(5);
    expect(distance(jpegArtefacts(large, quality), bytes(pixels)).mean).toBeLessThan(
      quality === 5 ? 1e-9 : untouched / 10,
    );
  });

  test.each([1, 20, 50, 90, 100])(
    'JPEG of grey pixels at quality %i, by the definition of the transform',
    (quality) => {
      const grey = grayscale(decode(golden.large));
      const block: PixelImage = { width: 8, height: 8, data: new Uint8Array(192) };
      for (let i = 0; i < 192; i++) block.data[i] = grey.data[(Math.floor(i / 24) + 9) * 135 + (i % 24)];
      const scale = (k: number) => (k === 0 ? Math.SQRT1_2 : 1);
      const wave = (x: number, k: number) => Math.cos(((2 * x + 1) * k * Math.PI) / 16);
      const all = Array.from({ length: 64 }, (_, i) => [i >> 3, i & 7] as const);
      const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
      const levels = all.map(([v, u]) => {
        const sum = all.reduce(
          (total, [y, x]) => total + (block.data[(y * 8 + x) * 3] - 128) * wave(y, v) * wave(x, u),
          0,
        );
        const step = Math.max(1, Math.min(255, Math.floor((TABLE[v * 8 + u] * percent + 50) / 100)));
        return Math.round((sum * scale(u) * scale(v)) / 4 / step) * step;
      });
      const expected = all.flatMap(([y, x]) => {
        const sum = all.reduce(
          (total, [v, u], i) => total + levels[i] * scale(u) * scale(v) * wave(y, v) * wave(x, u),
          0,
        );
        const value = Math.max(0, Math.min(255, Math.round(sum / 4 + 128)));
        return [value, value, value];
      });
      // The same numbers but for the last digits, which decide only at a tie.
      expect(distance(jpegArtefacts(block, quality), Uint8Array.from(expected)).largest).toBeLessThanOrEqual(1);
    },
  );
});

/** ISO 10918-1, table K.1. */
const TABLE = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
].flat();

describe('policies', () => {
  test.each(Object.entries(golden.policies))('the table of %s is torchvision’s', (name, pairs) => {
    const table = Object.entries(AUTOAUGMENT).find(([key]) => key === `autoaugment_${name}`)![1];
    const letters = Object.fromEntries(Object.entries(NAMES).map(([theirs, ours]) => [theirs, ours]));
    const expected = pairs.map((pair) =>
      pair.map(([operation, probability, level]) => [letters[operation], Math.round(probability * 10), level]),
    );
    expect(table.map((pair) => pair.map(({ operation, tenths, level }) => [operation, tenths, level]))).toEqual(
      expected,
    );
  });

  const SAMPLE = { width: 331, height: 100 };

  /** The amounts that the policy draws of each operation, without signs, in order. */
  function amounts(name: 'randaugment' | 'trivialaugment', magnitude: number): Map<Operation, Set<number>> {
    const found = new Map<Operation, Set<number>>();
    for (let i = 0; i < 6000; i++)
      for (const { operation, amount } of drawPolicy({ name, operations: 2, magnitude }, SAMPLE, stream(1, i)))
        found.set(operation, (found.get(operation) ?? new Set()).add(amount));
    return found;
  }

  test.each([0, 9, 17, 30])('RandAugment at magnitude %i has torchvision’s strengths', (magnitude) => {
    const found = amounts('randaugment', magnitude);
    for (const [name, values] of Object.entries(golden.spaces.randaugment)) {
      const strength = Array.isArray(values) ? values[magnitude] : 0;
      expectAmounts(name, found.get(NAMES[name]), [strength]);
    }
    expect(found.size).toBe(14);
  });

  test('TrivialAugment has torchvision’s wide strengths', () => {
    const found = amounts('trivialaugment', 0);
    for (const [name, values] of Object.entries(golden.spaces.trivialaugment))
      expectAmounts(name, found.get(NAMES[name]), Array.isArray(values) ? values : [0]);
  });

  function expectAmounts(name: string, found: Set<number> | undefined, magnitudes: readonly number[]): void {
    const signed = !['Posterize', 'Solarize', 'Identity', 'AutoContrast', 'Equalize'].includes(name);
    const whole = name.startsWith('Translate') || name === 'Posterize';
    const both = signed ? magnitudes.flatMap((value) => [value, -value]) : magnitudes;
    const near = (value: number) => Math.round(amountOf(name, whole ? Math.trunc(value) : value) * 1e4);
    const unique = (values: Iterable<number>) =>
      [...new Set([...values].map((value) => value + 0))].sort((a, b) => a - b);
    expect(unique([...(found ?? [])].map((value) => Math.round(value * 1e4)))).toEqual(unique(both.map(near)));
  }

  test('AutoAugment draws its pairs evenly, each operation as often as its table says', () => {
    const counts = new Map<Operation, number>();
    const draws = 25_000;
    for (let i = 0; i < draws; i++) {
      const settings = { name: 'autoaugment_svhn', operations: 2, magnitude: 9 } as const;
      for (const { operation } of drawPolicy(settings, SAMPLE, stream(2, i)))
        counts.set(operation, (counts.get(operation) ?? 0) + 1);
    }
    const expected = new Map<Operation, number>();
    for (const { operation, tenths } of AUTOAUGMENT.autoaugment_svhn.flat())
      expected.set(operation, (expected.get(operation) ?? 0) + (tenths / 10 / 25) * draws);
    // Four standard deviations of a count of at most 6,000 of 25,000: 280.
    for (const [operation, count] of expected) expect(Math.abs((counts.get(operation) ?? 0) - count)).toBeLessThan(280);
  });

  test('a policy depends on nothing but its stream', () => {
    for (const name of ['randaugment', 'trivialaugment', 'autoaugment_imagenet'] as const) {
      const settings = { name, operations: 3, magnitude: 9 };
      const draw = (...key: number[]): PolicyStep[] => drawPolicy(settings, SAMPLE, stream(1, ...key));
      expect(draw(4)).toEqual(draw(4));
      expect(Array.from({ length: 20 }, (_, i) => draw(i))).not.toEqual(
        Array.from({ length: 20 }, (_, i) => draw(i, 1)),
      );
      expect(JSON.parse(JSON.stringify(draw(5)))).toEqual(draw(5));
    }
  });
});
