// Moves the pixels of an image within its frame: one matrix, sampled once. What moves how is for others to say; see geometry.ts.

import { bytesOf, type PixelImage } from './contract';
import { LETTERBOX_GREY } from './preprocess';
import type { Size } from './resize';

/**
 * From a pixel (x, y) of the result to a point of the source, rows of a 3 x 3 matrix; the centres of pixels lie at whole numbers.
 * Where the third row is not 0 0 1 the other two are divided by it.
 */
export type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/**
 * The linear part first, so that many moves in one still have the digits that the first version's rotation had:
 * source = linear (result - origin) + center + shift.
 */
export interface AffineMove {
  linear: readonly [number, number, number, number];
  origin: readonly [number, number];
  center: readonly [number, number];
  shift: readonly [number, number];
}

export type Fill = 'black' | 'grey' | 'edge';

/** Grey is what letterboxing leaves free, so that one image shows one grey. */
export const FILL_LEVELS = { black: 0, grey: LETTERBOX_GREY } as const;

/** What lies outside. */
export interface Outside {
  fill: Fill;
  /** 'blend' fades into the fill over a pixel, as the first version's rotation; 'cut' ends where the image does, as Pillow does. */
  border: 'blend' | 'cut';
}

/** Whole pixels only: flipped, moved by the shift, nothing computed. source = (flipped result) + shift. */
export interface WholeMove {
  flipX: boolean;
  flipY: boolean;
  shiftX: number;
  shiftY: number;
}

export function moveWhole(image: PixelImage, move: WholeMove, fill: Fill): PixelImage {
  const { width, height } = image;
  const data = bytesOf(image);
  const { flipX, flipY, shiftX, shiftY } = move;
  const result = new Uint8Array(data.length);
  if (fill === 'grey') result.fill(FILL_LEVELS.grey);
  const clamped = fill === 'edge';
  for (let y = 0; y < height; y++) {
    let sourceY = (flipY ? height - 1 - y : y) + shiftY;
    if (sourceY < 0 || sourceY >= height) {
      if (!clamped) continue;
      sourceY = sourceY < 0 ? 0 : height - 1;
    }
    const line = sourceY * width;
    let to = y * width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      let sourceX = (flipX ? width - 1 - x : x) + shiftX;
      if (sourceX < 0 || sourceX >= width) {
        if (!clamped) continue;
        sourceX = sourceX < 0 ? 0 : width - 1;
      }
      const from = (line + sourceX) * 3;
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: result };
}

/** Bilinear, in the same frame. */
export function warpAffine(image: PixelImage, move: AffineMove, outside: Outside): PixelImage {
  const { width, height } = image;
  const [a, b, c, d] = move.linear;
  const [originX, originY] = move.origin;
  const [centerX, centerY] = move.center;
  const [shiftX, shiftY] = move.shift;
  const sample = samplerOf(image, outside);
  const points = new Float64Array(2 * width);
  for (let y = 0; y < height; y++) {
    let sourceX = -originX * a + (y - originY) * b + centerX + shiftX;
    let sourceY = -originX * c + (y - originY) * d + centerY + shiftY;
    for (let i = 0; i < points.length; i += 2, sourceX += a, sourceY += c) {
      points[i] = sourceX;
      points[i + 1] = sourceY;
    }
    sample.line(points, y);
  }
  return sample.result;
}

/** Bilinear, in the same frame. Points behind the eye (a third row of 0 or less) are outside. */
export function warpPerspective(image: PixelImage, matrix: Matrix, outside: Outside): PixelImage {
  const { width, height } = image;
  const [a, b, c, d, e, f, g, h, i] = matrix;
  const sample = samplerOf(image, outside);
  const points = new Float64Array(2 * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const depth = g * x + h * y + i;
      points[2 * x] = depth > 0 ? (a * x + b * y + c) / depth : FAR;
      points[2 * x + 1] = depth > 0 ? (d * x + e * y + f) / depth : FAR;
    }
    sample.line(points, y);
  }
  return sample.result;
}

/** Outside of every image. */
const FAR = -1e9;

/** Fills the result line by line from points of the source, x and y in turn. */
function samplerOf(
  image: PixelImage,
  outside: Outside,
): { result: PixelImage; line(points: Float64Array, y: number): void } {
  const { width, height } = image;
  const data = bytesOf(image);
  const pixels = new Uint8Array(data.length);
  const border = borderOf(image, outside);
  return {
    result: { width, height, data: pixels },
    line(points, y) {
      sampleLine(data, width, height, points, pixels, y * width * 3, border);
    },
  };
}

/** A loop of its own, written out by channel: half the time of one that calls a function for each pixel. */
function sampleLine(
  data: Uint8Array,
  width: number,
  height: number,
  points: Float64Array,
  result: Uint8Array,
  to: number,
  border: Border,
): void {
  const stride = width * 3;
  for (let i = 0; i < points.length; i += 2, to += 3) {
    const sourceX = points[i];
    const sourceY = points[i + 1];
    if (sourceX >= 0 && sourceY >= 0 && sourceX < width - 1 && sourceY < height - 1) {
      const left = sourceX | 0;
      const top = sourceY | 0;
      const right = sourceX - left;
      const below = sourceY - top;
      const up = top * stride + left * 3;
      const low = up + stride;
      const nearX = 1 - right;
      const nearY = 1 - below;
      const red =
        (data[up] * nearX + data[up + 3] * right) * nearY + (data[low] * nearX + data[low + 3] * right) * below;
      const green =
        (data[up + 1] * nearX + data[up + 4] * right) * nearY + (data[low + 1] * nearX + data[low + 4] * right) * below;
      const blue =
        (data[up + 2] * nearX + data[up + 5] * right) * nearY + (data[low + 2] * nearX + data[low + 5] * right) * below;
      // Nothing is negative, so this is Math.round.
      result[to] = (red + 0.5) | 0;
      result[to + 1] = (green + 0.5) | 0;
      result[to + 2] = (blue + 0.5) | 0;
    } else border(sourceX, sourceY, result, to);
  }
}

type Border = (sourceX: number, sourceY: number, result: Uint8Array, to: number) => void;

/** A point of which not all neighbours are in the image: rare, so what to do there is decided by a call. */
function borderOf(image: PixelImage, { fill, border }: Outside): Border {
  const { width, height } = image;
  const data = bytesOf(image);
  const level = fill === 'edge' ? 0 : FILL_LEVELS[fill];
  const clamp = (value: number, limit: number) => (value < 0 ? 0 : value > limit ? limit : value);
  const clamped: Border = (sourceX, sourceY, result, to) => {
    const [pointX, pointY] = [clamp(sourceX, width - 1), clamp(sourceY, height - 1)];
    const [left, top] = [Math.floor(pointX), Math.floor(pointY)];
    const [right, below] = [pointX - left, pointY - top];
    const [nextX, nextY] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
    for (let channel = 0; channel < 3; channel++) {
      const at = (x: number, y: number) => data[(y * width + x) * 3 + channel];
      const upper = at(left, top) * (1 - right) + at(nextX, top) * right;
      const lower = at(left, nextY) * (1 - right) + at(nextX, nextY) * right;
      result[to + channel] = Math.round(upper * (1 - below) + lower * below);
    }
  };
  if (fill === 'edge') return clamped;
  const blank: Border = (_x, _y, result, to) => void result.fill(level, to, to + 3);
  if (border === 'cut')
    return (sourceX, sourceY, result, to) => {
      const inside = sourceX >= -0.5 && sourceY >= -0.5 && sourceX < width - 0.5 && sourceY < height - 0.5;
      (inside ? clamped : blank)(sourceX, sourceY, result, to);
    };
  return (sourceX, sourceY, result, to) => {
    const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)];
    if (left < -1 || top < -1 || left >= width || top >= height) return blank(sourceX, sourceY, result, to);
    const [right, below] = [sourceX - left, sourceY - top];
    for (let channel = 0; channel < 3; channel++) {
      const at = (x: number, y: number) =>
        x < 0 || y < 0 || x >= width || y >= height ? level : data[(y * width + x) * 3 + channel];
      const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
      const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
      result[to + channel] = Math.round(upper * (1 - below) + lower * below);
    }
  };
}

/** left * right: first right, then left. */
export function multiply(left: Matrix, right: Matrix): Matrix {
  const cell = (row: number, column: number) =>
    left[3 * row] * right[column] + left[3 * row + 1] * right[3 + column] + left[3 * row + 2] * right[6 + column];
  return [cell(0, 0), cell(0, 1), cell(0, 2), cell(1, 0), cell(1, 1), cell(1, 2), cell(2, 0), cell(2, 1), cell(2, 2)];
}

/** By the adjugate, scaled so that the frame's middle has a positive depth. */
export function invert([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const s = 1 / determinant;
  return [
    (e * i - f * h) * s,
    (c * h - b * i) * s,
    (b * f - c * e) * s,
    (f * g - d * i) * s,
    (a * i - c * g) * s,
    (c * d - a * f) * s,
    (d * h - e * g) * s,
    (b * g - a * h) * s,
    (a * e - b * d) * s,
  ];
}

/** The affine move as a matrix. */
export function matrixOf({ linear, origin, center, shift }: AffineMove): Matrix {
  const [a, b, c, d] = linear;
  const x = center[0] + shift[0] - a * origin[0] - b * origin[1];
  const y = center[1] + shift[1] - c * origin[0] - d * origin[1];
  return [a, b, x, c, d, y, 0, 0, 1];
}

/** Where a pixel's centre is turned about: the middle of the frame. */
export function middle({ width, height }: Size): [number, number] {
  return [(width - 1) / 2, (height - 1) / 2];
}
