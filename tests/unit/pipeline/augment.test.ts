// Augmentation against cases worked out by hand, and the distribution of what is drawn.
import { describe, expect, test } from 'vitest';
import { mulberry32, stream } from '$lib/core/random';
import { augment, isIdentity, move } from '$lib/pipeline/augment';
import { drawAugmentation, type AugmentSettings, type JitterStep } from '$lib/pipeline/augment-plan';
import { colorJitter } from '$lib/pipeline/color-jitter';
import type { PixelImage } from '$lib/pipeline/contract';
import { resize } from '$lib/pipeline/resize';
import { NO_AUGMENTATION } from '../../support/augmentation';

const off = NO_AUGMENTATION;
const still = { flipX: false, flipY: false, shiftX: 0, shiftY: 0, angle: 0 };

/** A grey image from rows of values. */
function grey(rows: number[][]): PixelImage {
  return { height: rows.length, width: rows[0].length, data: Uint8Array.from(rows.flat().flatMap((v) => [v, v, v])) };
}

function rowsOf(image: PixelImage): number[][] {
  return Array.from({ length: image.height }, (_, y) =>
    Array.from({ length: image.width }, (_, x) => image.data[(y * image.width + x) * 3]),
  );
}

function noise(width: number, height: number): PixelImage {
  const random = mulberry32(5);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256)) };
}

const square = grey([
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
]);

describe('move', () => {
  test.each([
    [
      'a horizontal flip',
      { ...still, flipX: true },
      [
        [3, 2, 1],
        [6, 5, 4],
        [9, 8, 7],
      ],
    ],
    [
      'a vertical flip',
      { ...still, flipY: true },
      [
        [7, 8, 9],
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      'a crop further right and down',
      { ...still, shiftX: 1, shiftY: 1 },
      [
        [5, 6, 0],
        [8, 9, 0],
        [0, 0, 0],
      ],
    ],
    [
      'a crop further left',
      { ...still, shiftX: -2 },
      [
        [0, 0, 1],
        [0, 0, 4],
        [0, 0, 7],
      ],
    ],
    [
      'shift before flip',
      { ...still, shiftX: 1, flipX: true },
      [
        [0, 3, 2],
        [0, 6, 5],
        [0, 9, 8],
      ],
    ],
    [
      'a quarter turn counter-clockwise',
      { ...still, angle: 90 },
      [
        [3, 6, 9],
        [2, 5, 8],
        [1, 4, 7],
      ],
    ],
    [
      'a half turn',
      { ...still, angle: 180 },
      [
        [9, 8, 7],
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      'flip before turn',
      { ...still, flipX: true, angle: 90 },
      [
        [1, 4, 7],
        [2, 5, 8],
        [3, 6, 9],
      ],
    ],
    [
      'shift before turn',
      { ...still, shiftX: 1, angle: 180 },
      [
        [0, 9, 8],
        [0, 6, 5],
        [0, 3, 2],
      ],
    ],
  ])('%s', (_name, plan, expected) => {
    expect(rowsOf(move(square, plan))).toEqual(expected);
  });

  test('nothing to do returns the image itself', () => {
    expect(move(square, still)).toBe(square);
  });

  test('a turn by 45 degrees samples between pixels and fills the corners', () => {
    const flat = { width: 21, height: 21, data: new Uint8Array(21 * 21 * 3).fill(200) };
    const turned = rowsOf(move(flat, { ...still, angle: 45 }));
    expect(turned[0][0]).toBe(0);
    expect(turned[20][20]).toBe(0);
    expect(turned[10][10]).toBe(200);
    expect(turned[0][10]).toBe(200);
  });

  test('a turn and its reverse give the middle back', () => {
    const gradient = grey(Array.from({ length: 41 }, (_, y) => Array.from({ length: 41 }, (_, x) => 3 * x + 2 * y)));
    const back = rowsOf(move(move(gradient, { ...still, angle: 30 }), { ...still, angle: -30 }));
    // Bilinear sampling keeps a plane exactly; two roundings remain.
    for (let y = 12; y < 29; y++)
      for (let x = 12; x < 29; x++) expect(Math.abs(back[y][x] - (3 * x + 2 * y))).toBeLessThanOrEqual(1);
  });
});

describe('colorJitter', () => {
  const one = (red: number, green: number, blue: number): PixelImage => ({
    width: 1,
    height: 1,
    data: Uint8Array.of(red, green, blue),
  });
  const jitter = (image: PixelImage, ...steps: JitterStep[]) => [...colorJitter(image, steps).data];

  test('brightness multiplies and clips', () => {
    expect(jitter(one(100, 200, 10), { kind: 'brightness', factor: 1.5 })).toEqual([150, 255, 15]);
  });

  test('contrast moves away from the mean grey of the image', () => {
    const image = grey([[50, 150]]);
    // The mean is 100 * 0.9999 (the weights' digits); 2 * v - 100.
    expect(jitter(image, { kind: 'contrast', factor: 2 })).toEqual([0, 0, 0, 200, 200, 200]);
    expect(jitter(image, { kind: 'contrast', factor: 0 })).toEqual([100, 100, 100, 100, 100, 100]);
  });

  test('saturation moves away from the grey of the pixel', () => {
    // 0.2989 * 200 + 0.587 * 100 + 0.114 * 0 = 118.48
    expect(jitter(one(200, 100, 0), { kind: 'saturation', factor: 0 })).toEqual([118, 118, 118]);
    expect(jitter(one(200, 100, 0), { kind: 'saturation', factor: 0.5 })).toEqual([159, 109, 59]);
  });

  test.each([
    [1 / 3, [0, 255, 0]],
    [-1 / 3, [0, 0, 255]],
    [1 / 6, [255, 255, 0]],
    [-1 / 6, [255, 0, 255]],
    [0.5, [0, 255, 255]],
  ])('hue turns red by %f of the circle', (turns, expected) => {
    expect(jitter(one(255, 0, 0), { kind: 'hue', turns })).toEqual(expected);
  });

  test('hue leaves greys alone and a whole turn changes nothing', () => {
    expect(jitter(one(77, 77, 77), { kind: 'hue', turns: 0.3 })).toEqual([77, 77, 77]);
    const image = noise(8, 8);
    expect([...colorJitter(image, [{ kind: 'hue', turns: 1 }]).data]).toEqual([...image.data]);
  });

  test('steps are applied in their order', () => {
    const brighten: JitterStep = { kind: 'brightness', factor: 2 };
    const darken: JitterStep = { kind: 'brightness', factor: 0.5 };
    expect(jitter(one(200, 200, 200), brighten, darken)).toEqual([128, 128, 128]);
    expect(jitter(one(200, 200, 200), darken, brighten)).toEqual([200, 200, 200]);
  });
});

describe('drawAugmentation', () => {
  const source = { width: 100, height: 60 };
  const draws = (settings: AugmentSettings, count = 4000) =>
    Array.from({ length: count }, (_, i) => drawAugmentation(settings, source, stream(3, 'augment', 0, i)));
  const share = (flags: boolean[]) => flags.filter(Boolean).length / flags.length;

  test('flips come as often as asked', () => {
    const plans = draws({ ...off, horizontal_flip: 0.3, vertical_flip: 0.5 });
    // Four standard deviations of 4,000 draws: 0.03.
    expect(Math.abs(share(plans.map(({ flipX }) => flipX)) - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(share(plans.map(({ flipY }) => flipY)) - 0.5)).toBeLessThan(0.032);
    expect(Math.abs(share(plans.map(({ flipX, flipY }) => flipX && flipY)) - 0.15)).toBeLessThan(0.025);
    expect(share(draws(off).map(({ flipX }) => flipX))).toBe(0);
    expect(share(draws({ ...off, horizontal_flip: 1 }).map(({ flipX }) => flipX))).toBe(1);
  });

  test('every shift within the padding is equally likely', () => {
    const plans = draws({ ...off, shift: 2 }, 5000);
    for (let shift = -2; shift <= 2; shift++) {
      expect(Math.abs(share(plans.map(({ shiftX }) => shiftX === shift)) - 0.2)).toBeLessThan(0.025);
      expect(Math.abs(share(plans.map(({ shiftY }) => shiftY === shift)) - 0.2)).toBeLessThan(0.025);
    }
  });

  test('angles fill the range evenly', () => {
    const angles = draws({ ...off, rotation: 20 }).map(({ angle }) => angle);
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(20);
    expect(Math.abs(share(angles.map((angle) => Math.abs(angle) < 10)) - 0.5)).toBeLessThan(0.032);
    expect(Math.abs(share(angles.map((angle) => angle < 0)) - 0.5)).toBeLessThan(0.032);
  });

  test('jitter draws from its ranges, in every order', () => {
    const strengths = { brightness: 0.4, contrast: 1.5, saturation: 0.2, hue: 0.1 };
    const plans = draws({ ...off, color_jitter: strengths });
    const orders = new Map<string, number>();
    for (const { jitter } of plans) {
      for (const step of jitter) {
        if (step.kind === 'hue') expect(Math.abs(step.turns)).toBeLessThanOrEqual(0.1);
        else {
          expect(step.factor).toBeGreaterThanOrEqual(Math.max(0, 1 - strengths[step.kind]));
          expect(step.factor).toBeLessThanOrEqual(1 + strengths[step.kind]);
        }
      }
      const order = jitter.map(({ kind }) => kind[0]).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    // 4,000 / 24 = 167 each, standard deviation 13.
    for (const count of orders.values()) expect(Math.abs(count - 167)).toBeLessThan(60);
  });

  test('crops lie inside, with areas and ratios in range', () => {
    const settings = { enabled: true, scale: [0.2, 0.6], ratio: [0.5, 2] } as const;
    const boxes = draws({ ...off, random_resized_crop: settings }).map(({ crop }) => crop!);
    for (const { x, y, width, height } of boxes) {
      expect(x >= 0 && y >= 0 && x + width <= 100 && y + height <= 60).toBe(true);
      // Sides are rounded to whole pixels, at 30 pixels or more: 2 % each.
      expect(width / height).toBeGreaterThan(0.5 * 0.96);
      expect(width / height).toBeLessThan(2 * 1.04);
      expect((width * height) / 6000).toBeGreaterThan(0.2 * 0.96);
      expect((width * height) / 6000).toBeLessThan(0.6 * 1.04);
    }
    const right = boxes.filter(({ x, width }) => x + width / 2 > 50).length / boxes.length;
    expect(Math.abs(right - 0.5)).toBeLessThan(0.04);
  });

  test.each([
    // Nothing of that shape fits: the largest box in the middle.
    [[2, 2], { width: 60, height: 30, x: 0, y: 15 }, { width: 60, height: 60 }],
    [[0.5, 0.5], { width: 30, height: 60, x: 15, y: 0 }, { width: 60, height: 60 }],
    [[0.9, 1.1], { width: 1, height: 1, x: 50, y: 0 }, { width: 101, height: 1 }],
  ] as const)('a ratio %o that cannot be had falls back to %o', (ratio, expected, size) => {
    const settings = { ...off, random_resized_crop: { enabled: true, scale: [0.99, 1], ratio } } as const;
    expect(drawAugmentation(settings, size, stream(1)).crop).toEqual(expected);
  });

  test('turning one kind on does not change what an earlier one draws', () => {
    const alone = draws({ ...off, horizontal_flip: 0.5 }, 50).map(({ flipX }) => flipX);
    const crop = { ...off.random_resized_crop, enabled: true };
    const together = draws({ ...off, horizontal_flip: 0.5, rotation: 5, random_resized_crop: crop }, 50);
    expect(together.map(({ flipX }) => flipX)).toEqual(alone);
  });
});

describe('augment', () => {
  const preprocess = { imageSize: [16, 16], resize: 'crop', interpolation: 'bilinear' } as const;
  const everything: AugmentSettings = {
    ...off,
    horizontal_flip: 0.5,
    vertical_flip: 0.5,
    shift: 2,
    rotation: 15,
    random_resized_crop: { enabled: true, scale: [0.3, 1], ratio: [0.75, 1.33] },
    color_jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 },
  };

  test('the same stream gives the same pixels, another one others', () => {
    const image = noise(40, 30);
    const first = augment(image, everything, preprocess, stream(1, 'augment', 0, 7));
    expect(augment(image, everything, preprocess, stream(1, 'augment', 0, 7))).toEqual(first);
    expect(augment(image, everything, preprocess, stream(1, 'augment', 1, 7))).not.toEqual(first);
    expect(first).toMatchObject({ width: 16, height: 16 });
  });

  test('the source is left alone', () => {
    const image = noise(16, 16);
    const before = image.data.slice();
    for (let i = 0; i < 20; i++) augment(image, everything, preprocess, stream(1, i));
    expect(image.data).toEqual(before);
  });

  test('a random resized crop is that part of the source, resized', () => {
    const image = noise(40, 30);
    const settings = { ...off, random_resized_crop: everything.random_resized_crop };
    const { crop } = drawAugmentation(settings, image, stream(9));
    const expected = resize(image, { width: 16, height: 16 }, { interpolation: 'bilinear' }, { source: crop! });
    expect(augment(image, settings, preprocess, stream(9))).toEqual(expected);
  });

  test('is known to change nothing when all is off', () => {
    expect(isIdentity(off)).toBe(true);
    expect(isIdentity({ ...off, shift: 1 })).toBe(false);
    expect(isIdentity({ ...off, color_jitter: { ...off.color_jitter, hue: 0.1 } })).toBe(false);
    expect(isIdentity({ ...off, random_resized_crop: { ...off.random_resized_crop, enabled: true } })).toBe(false);
  });
});
