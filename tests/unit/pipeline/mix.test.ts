// Mixup and CutMix: shares of pixels and of targets agree, draws depend on their stream alone, the distribution is Beta's.
import { describe, expect, test } from 'vitest';
import { mulberry32, stream } from '$lib/core/random';
import { applyMix, beta, createMixer, drawMix, type BatchShape, type MixSettings } from '$lib/pipeline/mix';

const OFF: MixSettings = { mixup: 0, cutmix: 0, probability: 1 };
const SHAPE: BatchShape = [6, 8, 10, 3];
const SIZE = 8 * 10 * 3;

/** Image i is all 40 * i, its target class i: every byte and every target then tells what share of whom it is. */
const images = Uint8Array.from({ length: 6 * SIZE }, (_, i) => 40 * Math.floor(i / SIZE));
const targets = { values: Float32Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)), shape: [6, 6] };

describe('createMixer', () => {
  test('gives nothing where nothing is to be mixed', () => {
    expect(createMixer(OFF, 1)).toBeNull();
    expect(createMixer({ mixup: 1, cutmix: 1, probability: 0 }, 1)).toBeNull();
    expect(createMixer({ ...OFF, cutmix: 1 }, 1, { features: true })).toBeNull();
    expect(createMixer({ ...OFF, mixup: 1 }, 1, { features: true })).not.toBeNull();
  });

  test('mixes by seed, epoch and step alone, and leaves its arguments as they were', () => {
    const mixer = createMixer({ mixup: 0.5, cutmix: 1, probability: 1 }, 3)!;
    const before = images.slice();
    const first = mixer(images, SHAPE, targets, 2, 5);
    expect(images).toEqual(before);
    expect(createMixer({ mixup: 0.5, cutmix: 1, probability: 1 }, 3)!(images, SHAPE, targets, 2, 5)).toEqual(first);
    for (const [epoch, step] of [
      [2, 6],
      [3, 5],
    ])
      expect(mixer(images, SHAPE, targets, epoch, step)).not.toEqual(first);
    expect(createMixer({ mixup: 0.5, cutmix: 1, probability: 1 }, 4)!(images, SHAPE, targets, 2, 5)).not.toEqual(first);
  });

  test('mixes as large a share of the batches as asked, and takes either kind as often', () => {
    const kinds = { none: 0, mixup: 0, cutmix: 0 };
    for (let step = 0; step < 20_000; step++) {
      const plan = drawMix({ mixup: 1, cutmix: 1, probability: 0.6 }, SHAPE, stream(3, 'mix', 0, step));
      kinds[plan?.kind ?? 'none']++;
    }
    // Four standard deviations of 20,000 draws.
    expect(Math.abs(kinds.none - 8000)).toBeLessThan(277);
    expect(Math.abs(kinds.mixup - 6000)).toBeLessThan(260);
    expect(Math.abs(kinds.cutmix - 6000)).toBeLessThan(260);
  });
});

describe('mixup', () => {
  test('mixes bytes, rounded, and targets in the same shares', () => {
    const mixer = createMixer({ ...OFF, mixup: 1 }, 3)!;
    for (let step = 0; step < 50; step++) {
      const { share, partners } = drawMix({ ...OFF, mixup: 1 }, SHAPE, stream(3, 'mix', 0, step))!;
      const mixed = mixer(images, SHAPE, targets, 0, step);
      partners.forEach((partner, own) => {
        const expected = share * own * 40 + (1 - share) * partner * 40;
        for (const at of [0, SIZE - 1])
          // Half a level of rounding, and 240 / 2^17 of the share's own.
          expect(Math.abs(mixed.images[own * SIZE + at] - expected)).toBeLessThan(0.502);
        const row = [...mixed.targets.values.subarray(own * 6, own * 6 + 6)];
        expect(row.reduce((sum, value) => sum + value)).toBeCloseTo(1, 6);
        expect(row.reduce((sum, value, i) => sum + value * 40 * i, 0)).toBeCloseTo(expected, 3);
      });
    }
  });

  test('keeps what both images have, to the last bit', () => {
    const flat = new Uint8Array(6 * SIZE).fill(173);
    const mixer = createMixer({ ...OFF, mixup: 0.2 }, 3)!;
    for (let step = 0; step < 20; step++) expect(mixer(flat, SHAPE, targets, 0, step).images).toEqual(flat);
  });

  test('mixes features without rounding', () => {
    const features = Float32Array.from({ length: 12 }, (_, i) => Math.fround(i * 0.37 - 1));
    const plan = { kind: 'mixup', share: 0.3, partners: [1, 2, 0], box: null } as const;
    const own = { values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), shape: [3, 3] };
    const mixed = applyMix(plan, features, [3, 1, 1, 4], own);
    expect(mixed.images).toBeInstanceOf(Float32Array);
    expect(mixed.images[0]).toBe(Math.fround(0.3 * features[0] + 0.7 * features[4]));
    expect([...mixed.targets.values.subarray(0, 3)]).toEqual([Math.fround(0.3), Math.fround(0.7), 0]);
  });

  test('refuses targets of which there are no shares', () => {
    const numbers = { values: Int32Array.of(0, 1, 2, 3, 4, 5), shape: [6] };
    const mixer = createMixer({ ...OFF, mixup: 1 }, 3)!;
    expect(() => mixer(images, SHAPE, numbers, 0, 0)).toThrowError(expect.objectContaining({ code: 'mix-targets' }));
  });
});

describe('CutMix', () => {
  test('the shares of the targets are the shares of the pixels, box by box', () => {
    const mixer = createMixer({ ...OFF, cutmix: 1 }, 9)!;
    const areas = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const { box, partners } = drawMix({ ...OFF, cutmix: 1 }, SHAPE, stream(9, 'mix', 0, step))!;
      const mixed = mixer(images, SHAPE, targets, 0, step);
      areas.add(box!.width * box!.height);
      partners.forEach((partner, own) => {
        const pixels = mixed.images.subarray(own * SIZE, (own + 1) * SIZE);
        const foreign = pixels.filter((value) => value === 40 * partner).length / SIZE;
        const row = mixed.targets.values.subarray(own * 6, own * 6 + 6);
        expect(row[partner]).toBeCloseTo(foreign, 6);
        if (partner !== own) expect(row[own]).toBeCloseTo(1 - foreign, 6);
        const right = pixels.every((value, i) => {
          const [x, y] = [Math.floor(i / 3) % 10, Math.floor(i / 30)];
          const inside = x >= box!.x && x < box!.x + box!.width && y >= box!.y && y < box!.y + box!.height;
          return value === 40 * (inside ? partner : own);
        });
        expect(right).toBe(true);
      });
    }
    expect(areas.size).toBeGreaterThan(20);
  });
});

test.each([0.1, 0.4, 1, 2.5])('beta(%f) has its mean, its variance and its symmetry', (alpha) => {
  const random = mulberry32(5);
  const values = Array.from({ length: 20_000 }, () => beta(alpha, random));
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  // Four standard deviations of a mean of 20,000: at most 0.014. The variance is 1 / (4 (2 alpha + 1)).
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.014);
  expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.005);
});
