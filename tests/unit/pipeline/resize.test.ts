// Resizing against torch's and Pillow's reference vectors, and the geometry of the three ways to reach the net's size.
import { describe, expect, test } from 'vitest';
import type { PixelImage } from '$lib/pipeline/contract';
import { applyPreprocess, coverGeometry, fitGeometry, LETTERBOX_GREY } from '$lib/pipeline/preprocess';
import { resize, resizeFloat } from '$lib/pipeline/resize';
import type { WeightCache } from '$lib/pipeline/weights';
import { mulberry32 } from '$lib/core/random';
import { readGolden } from '../../golden';

type Pixels = number[][][];
const golden = readGolden<{
  image_hwc: Pixels;
  expected: {
    bilinear_down_9x13: Pixels;
    bilinear_antialias_down_9x13: Pixels;
    bicubic_down_9x13: Pixels;
    nearest_down_9x13: Pixels;
    bilinear_up_6x7_to_11x16: Pixels;
    pillow_bilinear_9x13: Pixels;
  };
}>('resize.json');

function toImage(pixels: Pixels): PixelImage {
  return { height: pixels.length, width: pixels[0].length, data: Uint8Array.from(pixels.flat(2)) };
}

function noise(width: number, height: number, seed = 1): PixelImage {
  const random = mulberry32(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256)) };
}

function crop(image: PixelImage, x: number, y: number, width: number, height: number): PixelImage {
  const rows = Array.from({ length: height }, (_, row) => {
    const start = ((y + row) * image.width + x) * 3;
    return [...image.data.subarray(start, start + width * 3)];
  });
  return { width, height, data: Uint8Array.from(rows.flat()) };
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs(value - actual[i])), 0);
}

const image = toImage(golden.image_hwc);
const small = { width: 13, height: 9 };
// torch computes in float32: 24 bits over values to 255, several operations.
const FLOAT_TOLERANCE = 1e-4;

describe('against torch, in floating point', () => {
  test.each([
    ['bilinear_down_9x13', 'bilinear', false],
    ['bilinear_antialias_down_9x13', 'bilinear', true],
    ['bicubic_down_9x13', 'bicubic', false],
    ['nearest_down_9x13', 'nearest', false],
  ] as const)('%s', (name, interpolation, antialias) => {
    const actual = resizeFloat(image, small, { interpolation, antialias });
    expect(largestDifference(actual, golden.expected[name].flat(2))).toBeLessThan(FLOAT_TOLERANCE);
  });

  test('bilinear_up_6x7_to_11x16', () => {
    const corner = crop(image, 0, 0, 7, 6);
    const actual = resizeFloat(corner, { width: 16, height: 11 }, { interpolation: 'bilinear', antialias: false });
    expect(largestDifference(actual, golden.expected.bilinear_up_6x7_to_11x16.flat(2))).toBeLessThan(FLOAT_TOLERANCE);
  });
});

test('antialiased bilinear in 8 bits is Pillow to the last bit', () => {
  const actual = resize(image, small, { interpolation: 'bilinear' });
  expect([...actual.data]).toEqual(golden.expected.pillow_bilinear_9x13.flat(2));
});

test.each(['bilinear', 'bicubic', 'nearest'] as const)(
  '8-bit %s is the floating-point one within rounding',
  (interpolation) => {
    const source = noise(37, 23);
    const size = { width: 11, height: 40 };
    const exact = resizeFloat(source, size, { interpolation }).map((value) => Math.min(255, Math.max(0, value)));
    // Rounding twice (after the rows, after the columns): half a grey level each; the cubic's weights enlarge the first.
    expect(largestDifference(resize(source, size, { interpolation }).data, [...exact])).toBeLessThan(1.3);
  },
);

test.each(['bilinear', 'bicubic', 'nearest'] as const)('a flat image stays flat in %s', (interpolation) => {
  const flat = { width: 31, height: 17, data: new Uint8Array(31 * 17 * 3).fill(201) };
  const result = resize(flat, { width: 8, height: 50 }, { interpolation });
  expect(new Set(result.data)).toEqual(new Set([201]));
});

test('a window of the result equals that part of the whole result', () => {
  const source = noise(40, 30);
  const size = { width: 20, height: 15 };
  const whole = resize(source, size, { interpolation: 'bicubic' });
  const window = { x: 3, y: 2, width: 9, height: 11 };
  const part = resize(source, size, { interpolation: 'bicubic' }, { window });
  expect(part).toEqual(crop(whole, 3, 2, 9, 11));
});

test('a part of the source equals resizing that part alone', () => {
  const source = noise(40, 30);
  const size = { width: 7, height: 7 };
  const box = { x: 5, y: 6, width: 21, height: 13 };
  const part = resize(source, size, { interpolation: 'bilinear' }, { source: box });
  expect(part).toEqual(resize(crop(source, 5, 6, 21, 13), size, { interpolation: 'bilinear' }));
});

test('cached weights change nothing and stay bounded', () => {
  const cache: WeightCache = new Map();
  for (let width = 20; width < 220; width++) {
    const source = noise(width, 9, width);
    const first = resize(source, { width: 10, height: 10 }, { interpolation: 'bilinear' }, { cache });
    const again = resize(source, { width: 10, height: 10 }, { interpolation: 'bilinear' }, { cache });
    expect(again).toEqual(first);
    expect(first).toEqual(resize(source, { width: 10, height: 10 }, { interpolation: 'bilinear' }));
  }
  expect(cache.size).toBeLessThanOrEqual(128);
});

describe('applyPreprocess', () => {
  const interpolation = 'bilinear';

  test('returns an image of the right size as it is', () => {
    const source = noise(8, 8);
    expect(applyPreprocess(source, { imageSize: [8, 8], resize: 'crop', interpolation })).toBe(source);
  });

  test('stretch resizes both sides', () => {
    const source = noise(30, 10);
    const result = applyPreprocess(source, { imageSize: [8, 12], resize: 'stretch', interpolation });
    expect(result).toEqual(resize(source, { width: 12, height: 8 }, { interpolation }));
  });

  test.each([
    // torchvision: Resize(8) then CenterCrop(8) of 30 x 10 makes 24 x 8 and takes columns 8..15.
    [30, 10, 8, { width: 24, height: 8 }, { x: 8, y: 0 }],
    // 11 x 29: int(8 * 29 / 11) = 21, round(13 / 2 = 6.5) = 6 (half to even).
    [11, 29, 8, { width: 8, height: 21 }, { x: 0, y: 6 }],
    [10, 10, 32, { width: 32, height: 32 }, { x: 0, y: 0 }],
  ])('crop of %i x %i to %i resizes the shorter side and takes the middle', (width, height, side, size, corner) => {
    const target = { width: side, height: side };
    expect(coverGeometry({ width, height }, target)).toEqual({ size, window: { ...corner, ...target } });
    const source = noise(width, height);
    const result = applyPreprocess(source, { imageSize: [side, side], resize: 'crop', interpolation });
    expect(result).toEqual(crop(resize(source, size, { interpolation }), corner.x, corner.y, side, side));
  });

  test('letterbox keeps the aspect ratio and centres on grey', () => {
    expect(fitGeometry({ width: 30, height: 10 }, { width: 12, height: 12 })).toEqual({
      x: 0,
      y: 4,
      width: 12,
      height: 4,
    });
    const source = noise(30, 10);
    const result = applyPreprocess(source, { imageSize: [12, 12], resize: 'letterbox', interpolation });
    expect(crop(result, 0, 4, 12, 4)).toEqual(resize(source, { width: 12, height: 4 }, { interpolation }));
    expect(new Set(crop(result, 0, 0, 12, 4).data)).toEqual(new Set([LETTERBOX_GREY]));
    expect(new Set(crop(result, 0, 8, 12, 4).data)).toEqual(new Set([LETTERBOX_GREY]));
  });

  test('an extreme aspect ratio leaves at least one pixel', () => {
    expect(fitGeometry({ width: 5000, height: 1 }, { width: 32, height: 32 })).toMatchObject({ width: 32, height: 1 });
    const line = noise(500, 1);
    for (const way of ['stretch', 'crop', 'letterbox'] as const)
      expect(applyPreprocess(line, { imageSize: [32, 32], resize: way, interpolation }).data).toHaveLength(32 * 32 * 3);
  });
});
