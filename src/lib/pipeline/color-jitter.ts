// Brightness, contrast, saturation and hue of an RGB image, torchvision's formulas on floats. Rounded once, at the end, where
// torchvision's 8-bit path truncates after every step: the results differ by a few grey levels at most.

import type { JitterStep } from './augment-plan';
import { bytesOf, type PixelImage } from './contract';

/** ITU-R 601 luma, with torchvision's digits. */
function grey(red: number, green: number, blue: number): number {
  return 0.2989 * red + 0.587 * green + 0.114 * blue;
}

/** The image with the steps applied in order; the image itself where there are none. Each step is clipped to 0..255. */
export function colorJitter(image: PixelImage, steps: readonly JitterStep[]): PixelImage {
  if (steps.length === 0) return image;
  const values = new Float32Array(image.data);
  for (const step of steps) {
    if (step.kind === 'hue') turnHue(values, step.turns);
    else blend(values, step.factor, step.kind);
  }
  // Clamped conversion rounds to the nearest.
  return { width: image.width, height: image.height, data: bytesOf({ data: new Uint8ClampedArray(values) }) };
}

/** factor * value + (1 - factor) * reference: black, the mean grey of the image, or the pixel's own grey. */
function blend(values: Float32Array, factor: number, kind: 'brightness' | 'contrast' | 'saturation'): void {
  const mean = kind === 'contrast' ? meanGrey(values) : 0;
  for (let i = 0; i < values.length; i += 3) {
    const reference = kind === 'saturation' ? grey(values[i], values[i + 1], values[i + 2]) : mean;
    const offset = (1 - factor) * reference;
    values[i] = clip(factor * values[i] + offset);
    values[i + 1] = clip(factor * values[i + 1] + offset);
    values[i + 2] = clip(factor * values[i + 2] + offset);
  }
}

function meanGrey(values: Float32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i += 3) total += grey(values[i], values[i + 1], values[i + 2]);
  return total / (values.length / 3);
}

/** Turns the hue of every pixel, keeping HSV's saturation and value; a grey pixel has no hue and stays. */
function turnHue(values: Float32Array, turns: number): void {
  for (let i = 0; i < values.length; i += 3) {
    const red = values[i];
    const green = values[i + 1];
    const blue = values[i + 2];
    const high = Math.max(red, green, blue);
    const chroma = high - Math.min(red, green, blue);
    if (chroma === 0) continue;
    let sixths: number;
    if (high === red) sixths = (green - blue) / chroma;
    else if (high === green) sixths = 2 + (blue - red) / chroma;
    else sixths = 4 + (red - green) / chroma;
    const hue = sixths + 6 * turns + 12; // Positive, as |turns| <= 1.
    values[i] = channel(hue + 5, high, chroma);
    values[i + 1] = channel(hue + 3, high, chroma);
    values[i + 2] = channel(hue + 1, high, chroma);
  }
}

/** HSV to RGB without cases: value less chroma times a trapezoid of the hue (in sixths, offset 5, 3, 1 for red, green, blue). */
function channel(sixths: number, high: number, chroma: number): number {
  const k = sixths % 6;
  return high - chroma * Math.max(0, Math.min(k, 4 - k, 1));
}

function clip(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
