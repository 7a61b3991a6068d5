// Ten properties of every augmentation and of all together, each over many drawn plans.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { mulberry32, stream } from '$lib/core/random';
import { applyPlan, applyPlanToSample, augment, augmentSample, isIdentity, move } from '$lib/pipeline/augment';
import { drawAugmentation, type AugmentPlan, type AugmentSettings } from '$lib/pipeline/augment-plan';
import type { PixelImage } from '$lib/pipeline/contract';
import type { BoxAnnotation, IndexImage } from '$lib/pipeline/follow';
import { createLoader } from '$lib/pipeline/loader';
import type { Operation } from '$lib/pipeline/policies';
import { inlinePool, type DecodePool } from '$lib/pipeline/pool';
import type { PixelPreprocess } from '$lib/pipeline/preprocess';
import { FILL_LEVELS } from '$lib/pipeline/warp';
import { EVERY_AUGMENTATION, NO_AUGMENTATION, SINGLE_AUGMENTATIONS } from '../../support/augmentation';

const PLANS = 8;
const everyKind: [string, AugmentSettings][] = [
  ...Object.entries(SINGLE_AUGMENTATIONS).map(
    ([name, own]) => [name, { ...NO_AUGMENTATION, ...own }] as [string, AugmentSettings],
  ),
  ['moves by whole pixels', { ...NO_AUGMENTATION, horizontal_flip: 0.5, vertical_flip: 0.5, shift: 3, translate: 0.2 }],
  ['all at once', EVERY_AUGMENTATION],
  ['all with a policy', { ...EVERY_AUGMENTATION, policy: { name: 'randaugment', operations: 2, magnitude: 10 } }],
];

const preprocess: PixelPreprocess = { imageSize: [28, 36], resize: 'crop', interpolation: 'bilinear' };

function picture(width: number, height: number, seed = 1): PixelImage {
  const random = mulberry32(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => ((i * 5) % 180) + Math.floor(random() * 76));
  return { width, height, data };
}

/** Stands for the bytes, which the test's own comparison takes long over. */
const digest = ({ data }: Pick<PixelImage, 'data'>) => createHash('sha1').update(data).digest('hex');
const planOf = (settings: AugmentSettings, image: PixelImage, item: number) =>
  drawAugmentation(settings, image, stream(4, 'augment', 0, item), { width: 36, height: 28 });

describe.each(everyKind)('%s', (_name, settings) => {
  test('keeps shape and range, and does something', () => {
    let changed = 0;
    for (let item = 0; item < PLANS; item++) {
      const image = picture(40 + item, 33);
      const before = digest(image);
      const result = augment(image, settings, preprocess, stream(4, 'augment', 0, item));
      expect([result.width, result.height, result.data.length]).toEqual([36, 28, 36 * 28 * 3]);
      // Typed arrays of bytes hold nothing outside 0..255; their kind is what there is to check.
      expect(result.data instanceof Uint8Array || result.data instanceof Uint8ClampedArray).toBe(true);
      expect(digest(image)).toBe(before);
      if (digest(result) !== digest(augment(image, NO_AUGMENTATION, preprocess, stream(0)))) changed++;
    }
    expect(changed).toBeGreaterThan(0);
  });

  test('is a function of its stream alone', () => {
    const image = picture(44, 33);
    const make = (item: number, seed = 4) =>
      digest(augment(image, settings, preprocess, stream(seed, 'augment', 0, item)));
    const first = Array.from({ length: PLANS }, (_, item) => make(item));
    expect(Array.from({ length: PLANS }, (_, item) => make(PLANS - 1 - item)).reverse()).toEqual(first);
    expect(Array.from({ length: PLANS }, (_, item) => make(item, 5))).not.toEqual(first);
  });

  test('is what its plan says, and the plan survives being written down', () => {
    const image = picture(44, 33);
    for (let item = 0; item < PLANS; item++) {
      const written: AugmentPlan = JSON.parse(JSON.stringify(planOf(settings, image, item)));
      expect(written).toEqual(planOf(settings, image, item));
      const made = augment(image, settings, preprocess, stream(4, 'augment', 0, item));
      expect(digest(applyPlan(image, written, preprocess, settings.fill))).toBe(digest(made));
    }
  });

  test('comes out the same whatever the number of threads', async () => {
    const make = async (threads: number) => {
      const service = () =>
        inlinePool({
          decoder: {
            decode: async (file) => picture(41, 30, Number(await file.text())),
            inspect: () => Promise.reject(new Error('not used')),
          },
          readBlobs: (keys) => Promise.resolve(keys.map((key) => new Blob([key]))),
        }).thread(0);
      const asks = Array.from({ length: threads }, service);
      const pool: DecodePool = {
        ...{ size: threads, thread: (index) => asks[index] },
        ...{ inspect: () => Promise.reject(new Error('not used')), dispose: () => undefined },
      };
      const items = Array.from({ length: 7 }, (_, i) => ({ blob: `${i}` }));
      const loader = await createLoader({ pool, items, preprocess, augment: settings, seed: 2, batchSize: 4 });
      const batches: string[] = [];
      for await (const { images, indices } of loader.epoch(1)) batches.push(`${indices} ${digest({ data: images })}`);
      return batches;
    };
    expect(await make(3)).toEqual(await make(1));
  });

  test('moves mask and boxes with the pixels, to within a pixel', () => {
    let seen = 0;
    for (const resize of ['crop', 'stretch', 'letterbox'] as const)
      for (let item = 0; item < PLANS; item++) {
        const random = mulberry32(item + 1);
        const [width, height] = [60 + Math.floor(random() * 40), 60 + Math.floor(random() * 40)];
        const box = [14 + Math.floor(random() * 12), 12 + Math.floor(random() * 12), 26, 22] as const;
        const target: PixelPreprocess = { imageSize: [64, 72], resize, interpolation: 'bilinear' };
        const drawn = drawAugmentation(settings, { width, height }, stream(4, 'follow', item), {
          width: 72,
          height: 64,
        });
        const sample = { ...rectangle(width, height, box), boxes: [{ box, label: 'thing' }] };
        const result = applyPlanToSample(sample, movesOf(drawn), target, settings.fill, { visible: 0 });
        compare(result.image, result.mask!, result.boxes!);
        seen += result.boxes!.length;
        expect(result.boxes!.every(({ label }) => label === 'thing')).toBe(true);
      }
    expect(seen).toBeGreaterThan(2 * PLANS);
  });
});

const MOVING: readonly Operation[] = ['shear_x', 'shear_y', 'translate_x', 'translate_y', 'rotate'];

/** Only what moves pixels: colours and blanks would hide the rectangle, whose place is what is compared. */
function movesOf(plan: AugmentPlan): AugmentPlan {
  const still = drawAugmentation(NO_AUGMENTATION, { width: 1, height: 1 }, stream(0));
  const { jitter, grayscale, blur, sharpness, noise, jpeg, cutout, erasing } = still;
  const policy = plan.policy.filter(({ operation }) => MOVING.includes(operation));
  return { ...plan, policy, jitter, grayscale, blur, sharpness, noise, jpeg, cutout, erasing };
}

/** White where the rectangle is, else black; 1 and 0 in the mask. */
function rectangle(
  width: number,
  height: number,
  [x, y, w, h]: readonly [number, number, number, number],
): { image: PixelImage; mask: IndexImage } {
  const mask = Uint8Array.from({ length: width * height }, (_, i) => {
    const [column, row] = [i % width, Math.floor(i / width)];
    return column >= x && column < x + w && row >= y && row < y + h ? 1 : 0;
  });
  const data = Uint8Array.from({ length: mask.length * 3 }, (_, i) => 255 * mask[Math.floor(i / 3)]);
  return { image: { width, height, data }, mask: { width, height, data: mask } };
}

function compare(image: PixelImage, mask: IndexImage, boxes: readonly BoxAnnotation[]): void {
  const { width, height } = mask;
  expect([width, height]).toEqual([image.width, image.height]);
  const inMask = (x: number, y: number) => mask.data[y * width + x] === 1;
  const inImage = (x: number, y: number) => image.data[(y * width + x) * 3] >= 128;
  const near = (of: typeof inMask, x: number, y: number, value: boolean) =>
    [-1, 0, 1].some((dy) =>
      [-1, 0, 1].some(
        (dx) => x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height && of(x + dx, y + dy) === value,
      ),
    );
  const found = { left: width, top: height, right: 0, bottom: 0, pixels: 0 };
  let astray = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (inMask(x, y) !== inImage(x, y) && !near(inMask, x, y, inImage(x, y))) astray++;
      if (!inMask(x, y)) continue;
      found.pixels++;
      found.left = Math.min(found.left, x);
      found.right = Math.max(found.right, x + 1);
      found.top = Math.min(found.top, y);
      found.bottom = Math.max(found.bottom, y + 1);
    }
  expect(astray).toBe(0);
  if (boxes.length === 0) {
    // Less than a pixel's width of it may have been left.
    expect(found.pixels).toBeLessThan(4);
    return;
  }
  const [x, y, w, h] = boxes[0].box;
  expect(x >= -1e-6 && y >= -1e-6 && x + w <= width + 1e-6 && y + h <= height + 1e-6).toBe(true);
  if (found.pixels < 30) return;
  for (const gap of [found.left - x, found.top - y, x + w - found.right, y + h - found.bottom]) {
    expect(gap).toBeGreaterThan(-0.51);
    expect(gap).toBeLessThan(TIP);
  }
}

/** A pixel, and what an acute corner is longer than the last pixel whose centre it holds. */
const TIP = 1.01;

describe('zero strength', () => {
  test.each([
    ['probabilities of 0', NO_AUGMENTATION],
    ['no deviation', { ...NO_AUGMENTATION, noise: { probability: 1, deviation: 0 } }],
    ['sharpness 1', { ...NO_AUGMENTATION, sharpen: { probability: 1, amount: 1 } }],
    ['a hole of no size', { ...NO_AUGMENTATION, cutout: { probability: 1, size: 0 } }],
    ['a policy of no operations', { ...NO_AUGMENTATION, policy: { name: 'randaugment', operations: 0, magnitude: 9 } }],
  ] as [string, AugmentSettings][])('%s: known to change nothing, and changes nothing', (_name, settings) => {
    expect(isIdentity(settings)).toBe(true);
    const image = picture(36, 28);
    for (let item = 0; item < PLANS; item++)
      expect(digest(augment(image, settings, preprocess, stream(1, item)))).toBe(digest(image));
  });

  test('every augmentation that is on is known to change something', () => {
    for (const [name, settings] of everyKind) expect([name, isIdentity(settings)]).toEqual([name, false]);
  });

  test('a strength that comes near 0 comes near the image', () => {
    const tiny: AugmentSettings = {
      ...NO_AUGMENTATION,
      ...{ rotation: 1e-6, translate: 1e-6, scale: [1, 1 + 1e-9], shear: 1e-6, perspective: 1e-9 },
      color_jitter: { brightness: 1e-6, contrast: 1e-6, saturation: 1e-6, hue: 1e-6 },
      blur: { probability: 1, sigma: [0.001, 0.002] },
    };
    const image = picture(36, 28);
    for (let item = 0; item < PLANS; item++) {
      const made = augment(image, tiny, preprocess, stream(1, item)).data;
      // The outermost pixels fade into the fill within the turn's last digits.
      expect(made.every((value, i) => Math.abs(value - image.data[i]) <= 1)).toBe(true);
    }
  });
});

describe('flips', () => {
  test.each(['horizontal_flip', 'vertical_flip'] as const)('a %s done twice is the image, mask and boxes', (name) => {
    const settings = { ...NO_AUGMENTATION, [name]: 1 };
    const image = picture(36, 28);
    const mask = { width: 36, height: 28, data: Uint16Array.from({ length: 1008 }, (_, i) => i * 7) };
    const boxes = [{ box: [3, 5, 10, 7] as const }];
    const once = augmentSample({ image, mask, boxes }, settings, preprocess, stream(1));
    expect(digest(once.image)).not.toBe(digest(image));
    expect(once.mask!.data).not.toEqual(mask.data);
    const twice = augmentSample(once, settings, preprocess, stream(1));
    expect(digest(twice.image)).toBe(digest(image));
    expect(twice.mask).toEqual(mask);
    twice.boxes![0].box.forEach((value, i) => expect(value).toBeCloseTo(boxes[0].box[i], 9));
  });
});

test('a move comes out the same by copying, by an affine matrix and in perspective', () => {
  const image = picture(36, 28);
  for (let item = 0; item < PLANS; item++) {
    const settings = { ...NO_AUGMENTATION, horizontal_flip: 0.5, vertical_flip: 0.5, shift: 3, translate: 0.2 };
    const plan = drawAugmentation(settings, image, stream(8, item));
    const copied = move(image, plan);
    for (const other of [
      { ...plan, angle: 360 },
      { ...plan, perspective: [0, 0, 0, 0, 0, 0, 0, 0] as const },
    ]) {
      const sampled = move(image, other).data;
      // 360 degrees and a projection have last digits of their own, which decide at the edge of the frame.
      const astray = sampled.filter((value, i) => Math.abs(value - copied.data[i]) > 1).length;
      expect(astray / sampled.length).toBeLessThan(0.001);
    }
  }
});

test('moves go the way that they are named', () => {
  const { image } = rectangle(36, 28, [10, 10, 6, 6]);
  const still = drawAugmentation(NO_AUGMENTATION, image, stream(0));
  const boxOf = (plan: Partial<AugmentPlan>) => {
    const boxes = [{ box: [10, 10, 6, 6] as const }];
    const sample = applyPlanToSample({ image, boxes }, { ...still, ...plan }, preprocess, 'black', { visible: 0 });
    return sample.boxes![0].box.map((value) => Math.round(value * 10) / 10);
  };
  expect(boxOf({ translateX: 3 / 36, translateY: 2 / 28 })).toEqual([13, 12, 6, 6]);
  // After the flip, so still to the right.
  expect(boxOf({ translateX: 3 / 36, flipX: true })).toEqual([23, 10, 6, 6]);
  expect(boxOf({ shiftX: 3, shiftY: 2 })).toEqual([7, 8, 6, 6]);
  // About the middle, (18, 14).
  expect(boxOf({ scale: 1.5 })).toEqual([6, 8, 9, 9]);
  // 45 degrees along x: a pixel further right for each pixel further down than the middle.
  expect(boxOf({ shearX: 45 })).toEqual([6, 10, 12, 6]);
  expect(boxOf({ shearY: 45 })).toEqual([10, 2, 6, 12]);
  // Every corner half-way in: half the size, about the middle.
  expect(boxOf({ perspective: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5] })).toEqual([14, 12, 3, 3]);
});

describe('probability', () => {
  const cases: [string, (probability: number) => Partial<AugmentSettings>, (plan: AugmentPlan) => boolean][] = [
    ['horizontal_flip', (p) => ({ horizontal_flip: p }), ({ flipX }) => flipX],
    ['vertical_flip', (p) => ({ vertical_flip: p }), ({ flipY }) => flipY],
    ['grayscale', (p) => ({ grayscale: p }), ({ grayscale }) => grayscale],
    ['blur', (p) => ({ blur: { probability: p, sigma: [1, 2] } }), ({ blur }) => blur > 0],
    ['sharpen', (p) => ({ sharpen: { probability: p, amount: 2 } }), ({ sharpness }) => sharpness !== 1],
    ['noise', (p) => ({ noise: { probability: p, deviation: 0.1 } }), ({ noise }) => noise !== null],
    ['jpeg', (p) => ({ jpeg: { probability: p, quality: [10, 90] } }), ({ jpeg }) => jpeg !== null],
    ['cutout', (p) => ({ cutout: { probability: p, size: 0.5 } }), ({ cutout }) => cutout !== null],
    [
      'erasing',
      (p) => ({ erasing: { probability: p, area: [0.1, 0.2], ratio: [0.5, 2], fill: 'black' } }),
      ({ erasing }) => erasing !== null,
    ],
  ];

  test.each(cases)('%s: never at 0, always at 1, as often as asked in between', (_name, settingsOf, happened) => {
    const share = (probability: number) => {
      const settings = { ...NO_AUGMENTATION, ...settingsOf(probability) };
      const size = { width: 36, height: 28 };
      const plans = Array.from({ length: 2000 }, (_, i) => drawAugmentation(settings, size, stream(3, i), size));
      return plans.filter(happened).length / plans.length;
    };
    expect(share(0)).toBe(0);
    expect(share(1)).toBe(1);
    // Four standard deviations of 2,000 draws: 0.041.
    expect(Math.abs(share(0.3) - 0.3)).toBeLessThan(0.041);
  });

  test('what a setting draws does not depend on how its chance falls', () => {
    const draw = (probability: number) => {
      const settings = { ...NO_AUGMENTATION, blur: { probability, sigma: [1, 2] as const }, translate: 0.1 };
      const policy = { name: 'randaugment', operations: 2, magnitude: 9 } as const;
      const size = { width: 36, height: 28 };
      return Array.from({ length: 40 }, (_, i) => drawAugmentation({ ...settings, policy }, size, stream(3, i), size));
    };
    expect(draw(0.5).map(({ policy }) => policy)).toEqual(draw(1).map(({ policy }) => policy));
  });
});

describe('fill', () => {
  const corner = (fill: AugmentSettings['fill'], more: Partial<AugmentSettings>) => {
    const flat: PixelImage = { width: 36, height: 28, data: new Uint8Array(36 * 28 * 3).fill(200) };
    const levels = new Set<number>();
    for (let item = 0; item < PLANS; item++) {
      const { data } = augment(flat, { ...NO_AUGMENTATION, ...more, fill }, preprocess, stream(6, item));
      for (const at of [0, 35 * 3, 27 * 36 * 3, data.length - 3]) levels.add(data[at]);
    }
    return levels;
  };

  test.each([
    ['shift', { shift: 9 }],
    ['rotation', { rotation: 60 }],
    ['scale', { scale: [0.4, 0.6] }],
    ['perspective', { perspective: 0.9 }],
    ['translate', { translate: 0.4 }],
    ['a policy', { policy: { name: 'trivialaugment', operations: 1, magnitude: 0 } }],
  ] as [string, Partial<AugmentSettings>][])('%s uncovers what it should', (name, more) => {
    for (const fill of ['black', 'grey'] as const) expect(corner(fill, more).has(FILL_LEVELS[fill])).toBe(true);
    // Nothing but the image's own level; a policy has colours of its own.
    if (name !== 'a policy') expect([...corner('edge', more)]).toEqual([200]);
  });
});

test('a box of which too little is left is dropped, with its share as asked', () => {
  const { image } = rectangle(36, 28, [0, 0, 36, 28]);
  const boxes = [{ box: [0, 0, 10, 10] as const }, { box: [20, 10, 10, 10] as const }];
  const plan = { ...drawAugmentation(NO_AUGMENTATION, image, stream(0)), translateX: -8 / 36 };
  const left = (visible: number) => applyPlanToSample({ image, boxes }, plan, preprocess, 'black', { visible }).boxes!;
  // 2 of 10 columns of the first are left.
  expect(left(0.19)).toEqual([{ box: [0, 0, 2, 10] }, { box: [12, 10, 10, 10] }]);
  expect(left(0.21)).toEqual([{ box: [12, 10, 10, 10] }]);
});

test('a mask says where there is no image', () => {
  const image = picture(36, 14);
  const mask = { width: 36, height: 14, data: new Uint8Array(36 * 14).fill(3) };
  const plan = drawAugmentation(NO_AUGMENTATION, image, stream(0));
  const letterbox: PixelPreprocess = { imageSize: [28, 36], resize: 'letterbox', interpolation: 'bilinear' };
  const sample = applyPlanToSample({ image, mask }, plan, letterbox, 'black', { outside: 255 });
  const rows = Array.from({ length: 28 }, (_, y) => sample.mask!.data[y * 36 + 5]);
  expect(rows).toEqual([...Array(7).fill(255), ...Array(14).fill(3), ...Array(7).fill(255)]);
});
