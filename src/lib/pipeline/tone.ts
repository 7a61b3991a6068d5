// Pixel by pixel changes of an 8-bit RGB image as Pillow makes them (ImageEnhance, ImageOps), to the grey level: tables where a value
// depends on itself alone. New images; the given one is left alone.

import { bytesOf, type PixelImage } from './contract';

/** Pillow's "L": ITU-R 601 luma in 16 bits, rounded. */
export function luma(red: number, green: number, blue: number): number {
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
}

/** Through one table, or one for each channel. */
function through(image: PixelImage, red: Uint8Array, green = red, blue = red): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    result[i] = red[data[i]];
    result[i + 1] = green[data[i + 1]];
    result[i + 2] = blue[data[i + 2]];
  }
  return { width, height, data: result };
}

function table(at: (value: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => at(value));
}

/** Image.blend: from `from` (0) to `to` (1) and beyond; in 32-bit floats, cut off, not rounded. */
export function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(Math.fround(factor) * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

/** Towards or away from black. */
export function brightness(image: PixelImage, factor: number): PixelImage {
  return through(
    image,
    table((value) => blend(0, value, factor)),
  );
}

/** Towards or away from the image's mean grey. */
export function contrast(image: PixelImage, factor: number): PixelImage {
  const data = bytesOf(image);
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += luma(data[i], data[i + 1], data[i + 2]);
  const mean = Math.floor(sum / (data.length / 3) + 0.5);
  return through(
    image,
    table((value) => blend(mean, value, factor)),
  );
}

/** Towards or away from each pixel's grey; factor 0 is grey. */
export function color(image: PixelImage, factor: number): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const grey = luma(data[i], data[i + 1], data[i + 2]);
    result[i] = blend(grey, data[i], factor);
    result[i + 1] = blend(grey, data[i + 1], factor);
    result[i + 2] = blend(grey, data[i + 2], factor);
  }
  return { width, height, data: result };
}

export function grayscale(image: PixelImage): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3)
    result[i] = result[i + 1] = result[i + 2] = luma(data[i], data[i + 1], data[i + 2]);
  return { width, height, data: result };
}

/** Keeps the upper bits. */
export function posterize(image: PixelImage, bits: number): PixelImage {
  const mask = 256 - 2 ** (8 - bits);
  return through(
    image,
    table((value) => value & mask),
  );
}

/** Inverts from the threshold on. */
export function solarize(image: PixelImage, threshold: number): PixelImage {
  return through(
    image,
    table((value) => (value < threshold ? value : 255 - value)),
  );
}

export function invertTone(image: PixelImage): PixelImage {
  return through(
    image,
    table((value) => 255 - value),
  );
}

/** Stretches each channel to the whole range. */
export function autocontrast(image: PixelImage): PixelImage {
  return eachChannel(image, stretched);
}

function stretched(histogram: Uint32Array): Uint8Array {
  const low = histogram.findIndex((count) => count > 0);
  const high = histogram.findLastIndex((count) => count > 0);
  if (high <= low) return table((value) => value);
  const scale = 255 / (high - low);
  return table((value) => Math.max(0, Math.min(255, Math.trunc(value * scale - low * scale))));
}

/** Makes each channel's histogram as flat as it can be. */
export function equalize(image: PixelImage): PixelImage {
  return eachChannel(image, equalized);
}

function equalized(histogram: Uint32Array): Uint8Array {
  const counts = histogram.filter((count) => count > 0);
  const pixels = counts.reduce((sum, count) => sum + count, 0);
  const step = counts.length <= 1 ? 0 : Math.floor((pixels - counts[counts.length - 1]) / 255);
  if (step === 0) return table((value) => value);
  let below = Math.floor(step / 2);
  return table((value) => {
    const level = Math.floor(below / step);
    below += histogram[value];
    return Math.min(255, level);
  });
}

function eachChannel(image: PixelImage, tableOf: (histogram: Uint32Array) => Uint8Array): PixelImage {
  const [red, green, blue] = histograms(bytesOf(image));
  return through(image, tableOf(red), tableOf(green), tableOf(blue));
}

function histograms(data: Uint8Array): [Uint32Array, Uint32Array, Uint32Array] {
  const [red, green, blue] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  for (let i = 0; i < data.length; i += 3) {
    red[data[i]]++;
    green[data[i + 1]]++;
    blue[data[i + 2]]++;
  }
  return [red, green, blue];
}
