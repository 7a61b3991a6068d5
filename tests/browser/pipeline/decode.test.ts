// Decoding with the browser's own decoders: every format, orientation, alpha, colour profiles, and files that must be refused.
import { describe, expect, test } from 'vitest';
import type { PixelImage } from '$lib/pipeline/contract';
import { createDecoder } from '$lib/pipeline/decode';
import { avif, bmp, encode, gif, paint, withOrientation, withPngChunk, type Rgb } from './encoded';

const decoder = createDecoder();
const blob = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]);

function pixel({ width, data }: PixelImage, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function expectNear(actual: readonly number[], wanted: readonly number[], tolerance: number) {
  wanted.forEach((value, i) =>
    expect(Math.abs(actual[i] - value), `${actual} is not ${wanted}`).toBeLessThanOrEqual(tolerance),
  );
}

const RED = [220, 30, 20] as const;
const GREEN = [20, 200, 40] as const;
const BLUE = [10, 40, 230] as const;
const GREY = [120, 120, 120] as const;

/** Red, green over blue, grey, in quarters of 48 x 32: every orientation looks different. */
const quarters = (x: number, y: number): Rgb => (y < 16 ? (x < 24 ? RED : GREEN) : x < 24 ? BLUE : GREY);
const canvas = paint(48, 32, quarters);

function corners(image: PixelImage): number[][] {
  const [right, bottom] = [image.width - 6, image.height - 6];
  return [pixel(image, 5, 5), pixel(image, right, 5), pixel(image, 5, bottom), pixel(image, right, bottom)];
}

function expectCorners(image: PixelImage, wanted: readonly Rgb[], tolerance: number) {
  corners(image).forEach((corner, i) => expectNear(corner, wanted[i], tolerance));
}

describe('formats', () => {
  test('PNG is exact', async () => {
    const pattern = (x: number, y: number): Rgb => [(x * 5) % 256, (y * 7) % 256, (x * y) % 256];
    const image = await decoder.decode(blob(await encode(paint(50, 37, pattern), 'image/png')));
    expect(image).toMatchObject({ width: 50, height: 37 });
    for (let y = 0; y < 37; y++) for (let x = 0; x < 50; x++) expect(pixel(image, x, y)).toEqual(pattern(x, y));
  });

  test('BMP is exact', async () => {
    const image = await decoder.decode(blob(bmp(48, 32, quarters)));
    expectCorners(image, [RED, GREEN, BLUE, GREY], 0);
  });

  // Lossy: flat quarters, read away from their edges, at full quality; chroma is stored at half size.
  test.each(['image/jpeg', 'image/webp'])('%s is near', async (type) => {
    expectCorners(await decoder.decode(blob(await encode(canvas, type))), [RED, GREEN, BLUE, GREY], 4);
  });

  test('AVIF is near', async () => {
    const image = await decoder.decode(blob(await avif(paint(64, 64, (x) => (x < 32 ? RED : BLUE)))));
    expect(image).toMatchObject({ width: 64, height: 64 });
    // A real-time video encoder wrote it, and video stores less than the full range of values.
    expectNear(pixel(image, 10, 30), RED, 16);
    expectNear(pixel(image, 54, 30), BLUE, 16);
  });

  test('of an animated GIF the first frame counts', async () => {
    const image = await decoder.decode(blob(gif(30, 20, [GREEN, RED])));
    expect(image).toMatchObject({ width: 30, height: 20 });
    expect(pixel(image, 15, 10)).toEqual([...GREEN]);
  });
});

describe('EXIF orientation', () => {
  test.each([
    [1, [RED, GREEN, BLUE, GREY]],
    [2, [GREEN, RED, GREY, BLUE]],
    [3, [GREY, BLUE, GREEN, RED]],
    [4, [BLUE, GREY, RED, GREEN]],
    [5, [RED, BLUE, GREEN, GREY]],
    [6, [BLUE, RED, GREY, GREEN]],
    [7, [GREY, GREEN, BLUE, RED]],
    [8, [GREEN, GREY, RED, BLUE]],
  ])('%i is applied', async (orientation, wanted) => {
    const image = await decoder.decode(blob(withOrientation(await encode(canvas, 'image/jpeg'), orientation)));
    expect([image.width, image.height]).toEqual(orientation >= 5 ? [32, 48] : [48, 32]);
    expectCorners(image, wanted, 4);
  });
});

test('alpha is composed on white', async () => {
  const png = await encode(
    paint(3, 1, (x) => [200, 100, 0, [0, 128, 255][x]]),
    'image/png',
  );
  const image = await decoder.decode(blob(png));
  expect(pixel(image, 0, 0)).toEqual([255, 255, 255]);
  // 255 + (c - 255) * 128 / 255; colours are stored multiplied by alpha, in 8 bits.
  expectNear(pixel(image, 1, 0), [227, 177, 127], 2);
  expect(pixel(image, 2, 0)).toEqual([200, 100, 0]);
});

test('what one image leaves on the canvas does not show through the next', async () => {
  await decoder.decode(
    blob(
      await encode(
        paint(60, 60, () => [0, 0, 0]),
        'image/png',
      ),
    ),
  );
  const image = await decoder.decode(
    blob(
      await encode(
        paint(20, 20, () => [0, 0, 0, 0]),
        'image/png',
      ),
    ),
  );
  expect(new Set(image.data)).toEqual(new Set([255]));
});

test('an embedded gamma is ignored, as Pillow ignores it', async () => {
  const png = await encode(
    paint(4, 4, () => [100, 150, 200]),
    'image/png',
  );
  // gAMA 100000: linear light; a colour-managed decoder would brighten it.
  const linear = withPngChunk(png, 'gAMA', [0, 1, 0x86, 0xa0]);
  expect(pixel(await decoder.decode(blob(linear)), 1, 1)).toEqual([100, 150, 200]);
});

test('an image larger than one band is read whole', async () => {
  const color = (x: number, y: number): Rgb => [x % 256, y % 256, (x + y) % 256];
  const image = await decoder.decode(blob(bmp(1500, 1600, color)));
  for (let y = 0; y < 1600; y += 13) for (const x of [0, 749, 1499]) expect(pixel(image, x, y)).toEqual(color(x, y));
});

test('overlapping calls do not mix', async () => {
  const colors = Array.from({ length: 12 }, (_, i): Rgb => [i * 20, 255 - i * 20, i]);
  const files = colors.map((color, i) => blob(bmp(10 + i, 30 - i, () => color)));
  const images = await Promise.all(files.map((file) => decoder.decode(file)));
  images.forEach((image, i) => {
    expect([image.width, image.height]).toEqual([10 + i, 30 - i]);
    expect(pixel(image, 9, 9)).toEqual([...colors[i]]);
  });
});

describe('files that are refused', () => {
  const noisy = paint(120, 120, (x, y) => [(x * x * y) % 256, (x * 31 + y * 17) % 256, (x * y * 7) % 256]);

  test.each(['image/jpeg', 'image/png', 'image/webp'])('a truncated %s', async (type) => {
    const bytes = await encode(noisy, type);
    for (const share of [0.2, 0.5, 0.9, 0.99]) {
      const cut = blob(bytes.slice(0, Math.floor(bytes.length * share)));
      await expect(decoder.decode(cut)).rejects.toMatchObject({ code: 'unreadable-image', badInput: true });
      expect(await decoder.inspect(cut)).toMatchObject({ ok: false });
    }
  });

  test('a JPEG whose last two bytes are missing', async () => {
    const bytes = await encode(noisy, 'image/jpeg');
    expect(await decoder.inspect(blob(bytes.slice(0, -2)))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/cut|truncat|end/i),
    });
  });

  test('an empty file, text, and a header of 20,000 x 20,000', async () => {
    const png = await encode(
      paint(4, 4, () => [1, 2, 3]),
      'image/png',
    );
    new DataView(png.buffer).setUint32(16, 20_000);
    new DataView(png.buffer).setUint32(20, 20_000);
    const files = [new Blob([]), new Blob(['these are words']), blob(png)];
    const reasons = await Promise.all(files.map((file) => decoder.inspect(file)));
    expect(reasons.map((result) => result.ok)).toEqual([false, false, false]);
    expect(reasons[0]).toMatchObject({ reason: expect.stringContaining('empty') });
    expect(reasons[2]).toMatchObject({ reason: expect.stringContaining('20,000 x 20,000') });
  });
});

describe('inspect', () => {
  test('counts every pixel, and makes a thumbnail of a large image only', async () => {
    const result = await decoder.inspect(blob(bmp(400, 200, (x) => (x < 100 ? [255, 0, 10] : [0, 4, 10]))), {
      thumbnailSide: 160,
    });
    if (!result.ok) throw new Error(result.reason);
    expect(result).toMatchObject({ width: 400, height: 200, pixels: 80_000 });
    expect(result.sums).toEqual([255 * 20_000, 4 * 60_000, 10 * 80_000]);
    expect(result.squares).toEqual([255 * 255 * 20_000, 16 * 60_000, 100 * 80_000]);
    expect(result.thumbnail?.mime).toBe('image/webp');
    const thumbnail = await createImageBitmap(new Blob([result.thumbnail!.bytes], { type: result.thumbnail!.mime }));
    expect([thumbnail.width, thumbnail.height]).toEqual([160, 80]);
    const small = await decoder.inspect(blob(bmp(160, 20, () => RED)), { thumbnailSide: 160 });
    expect(small).not.toHaveProperty('thumbnail');
  });
});
