// What baseline JPEG does to pixels, without the file: colours in YCbCr, chroma at half the size, 8 x 8 cosine transforms rounded to
// the standard tables at a quality, and back. Only sums, products and shifts of doubles, so that every thread and browser gives the
// same bytes, which their own encoders do not. Entropy coding loses nothing and is left out.

import { bytesOf, type PixelImage } from './contract';

/** ISO 10918-1, annex K.1, row by row. */
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];
/** The same for both chroma channels: all 99 but its upper left corner. */
const CHROMINANCE_CORNER = [
  [17, 18, 24, 47],
  [18, 21, 26, 66],
  [24, 26, 56, 99],
  [47, 66, 99, 99],
];
const CHROMINANCE = Array.from({ length: 64 }, (_, i) => CHROMINANCE_CORNER[i >> 3]?.[i & 7] ?? 99);

/** What the fast transform below leaves out of each row and column (Arai, Agui and Nakajima 1988): cos(k pi / 16) * sqrt(2). */
const SCALES = [
  1, 1.3870398453221475, 1.3065629648763766, 1.1758756024193588, 1, 0.7856949583871022, 0.5411961001461971,
  0.2758993792829431,
];

interface Quantization {
  /** A coefficient of the unscaled transform times this is the number that a file would hold. */
  divide: Float64Array;
  /** Back to what the unscaled inverse takes. */
  multiply: Float64Array;
}

/** The Independent JPEG Group's scaling of the tables, 1..100. */
function quantization(base: readonly number[], quality: number): Quantization {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const steps = base.map((step) => Math.max(1, Math.min(255, Math.floor((step * percent + 50) / 100))));
  const scale = (i: number) => SCALES[i >> 3] * SCALES[i & 7];
  return {
    divide: Float64Array.from(steps, (step, i) => 1 / (8 * step * scale(i))),
    multiply: Float64Array.from(steps, (step, i) => (step * scale(i)) / 8),
  };
}

interface Plane {
  /** Multiples of 8; what is beyond the image repeats its edge. */
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** The image as it comes out of a JPEG file of this quality (1..100). */
export function jpegArtefacts(image: PixelImage, quality: number): PixelImage {
  const { width, height } = image;
  const [y, blue, red] = toPlanes(image);
  const [chromaBlue, chromaRed] = [halve(blue, width, height), halve(red, width, height)];
  const whole = Math.max(1, Math.min(100, Math.round(quality)));
  const [luminance, chrominance] = [quantization(LUMINANCE, whole), quantization(CHROMINANCE, whole)];
  roundTrip(y, luminance);
  roundTrip(chromaBlue, chrominance);
  roundTrip(chromaRed, chrominance);
  return toImage(y, chromaBlue, chromaRed, width, height);
}

const blocksOf = (length: number) => (length + 7) & ~7;

function plane(width: number, height: number): Plane {
  const [padded, lines] = [blocksOf(width), blocksOf(height)];
  return { width: padded, height: lines, data: new Uint8ClampedArray(padded * lines) };
}

/** Repeats the last column and the last line into the padding. */
function extend({ width: stride, height: lines, data }: Plane, width: number, height: number): void {
  for (let y = 0; y < height; y++) data.fill(data[y * stride + width - 1], y * stride + width, (y + 1) * stride);
  for (let y = height; y < lines; y++) data.copyWithin(y * stride, (height - 1) * stride, height * stride);
}

/** JFIF's colours in 16 bits: Y, and the distances of blue and red from it around 128. */
function toPlanes(image: PixelImage): [Plane, Plane, Plane] {
  const { width, height } = image;
  const data = bytesOf(image);
  const [luma, blue, red] = [plane(width, height), plane(width, height), plane(width, height)];
  for (let y = 0, from = 0; y < height; y++)
    for (let x = 0, to = y * luma.width; x < width; x++, to++, from += 3) {
      const [r, g, b] = [data[from], data[from + 1], data[from + 2]];
      luma.data[to] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
      blue.data[to] = (-11059 * r - 21709 * g + 32768 * b + CENTER) >> 16;
      red.data[to] = (32768 * r - 27439 * g - 5329 * b + CENTER) >> 16;
    }
  for (const part of [luma, blue, red]) extend(part, width, height);
  return [luma, blue, red];
}

/** 128, and a half less the smallest part, so that pure blue and red stay below 256. */
const CENTER = (128 << 16) + 32767;

/** 4:2:0: one value for four. Rounds up and down in turn, so that nothing drifts. */
function halve(full: Plane, width: number, height: number): Plane {
  const [columns, rows] = [(width + 1) >> 1, (height + 1) >> 1];
  const half = plane(columns, rows);
  for (let y = 0; y < rows; y++) {
    const upper = 2 * y * full.width;
    const lower = Math.min(2 * y + 1, full.height - 1) * full.width;
    for (let x = 0; x < columns; x++) {
      const [left, right] = [2 * x, Math.min(2 * x + 1, full.width - 1)];
      const sum =
        full.data[upper + left] + full.data[upper + right] + full.data[lower + left] + full.data[lower + right];
      half.data[y * half.width + x] = (sum + 1 + (x & 1)) >> 2;
    }
  }
  extend(half, columns, rows);
  return half;
}

/** Each block to its coefficients, rounded as a file holds them, and back; in place. */
function roundTrip({ width, height, data }: Plane, { divide, multiply }: Quantization): void {
  const block = new Float64Array(64);
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      const corner = top * width + left;
      for (let y = 0, to = 0; y < 8; y++)
        for (let x = 0, from = corner + y * width; x < 8; x++) block[to++] = data[from++] - 128;
      for (let row = 0; row < 64; row += 8) forward(block, row, 1);
      for (let column = 0; column < 8; column++) forward(block, column, 8);
      for (let i = 0; i < 64; i++) {
        const level = block[i] * divide[i];
        // Halves away from zero.
        block[i] = (level < 0 ? -Math.floor(0.5 - level) : Math.floor(level + 0.5)) * multiply[i];
      }
      for (let column = 0; column < 8; column++) inverse(block, column, 8);
      for (let row = 0; row < 64; row += 8) inverse(block, row, 1);
      for (let y = 0, from = 0; y < 8; y++)
        for (let x = 0, to = corner + y * width; x < 8; x++) data[to++] = Math.floor(block[from++] + 128.5);
    }
}

const HALF_ROOT = 0.7071067811865476; // cos(4 pi / 16)
const ROOT = 1.4142135623730951;

/** Eight values to their cosine coefficients, but for the scales: five products (Arai, Agui and Nakajima 1988). */
function forward(v: Float64Array, at: number, step: number): void {
  const [i1, i2, i3] = [at + step, at + 2 * step, at + 3 * step];
  const [i4, i5, i6, i7] = [at + 4 * step, at + 5 * step, at + 6 * step, at + 7 * step];
  const [sum07, gap07, sum16, gap16] = [v[at] + v[i7], v[at] - v[i7], v[i1] + v[i6], v[i1] - v[i6]];
  const [sum25, gap25, sum34, gap34] = [v[i2] + v[i5], v[i2] - v[i5], v[i3] + v[i4], v[i3] - v[i4]];

  const [outer, outerGap, inner, innerGap] = [sum07 + sum34, sum07 - sum34, sum16 + sum25, sum16 - sum25];
  const turned = (innerGap + outerGap) * HALF_ROOT;
  v[at] = outer + inner;
  v[i4] = outer - inner;
  v[i2] = outerGap + turned;
  v[i6] = outerGap - turned;

  const [low, mid, high] = [gap34 + gap25, gap25 + gap16, gap16 + gap07];
  const shared = (low - high) * 0.3826834323650898; // cos(6 pi / 16)
  const a = low * 0.5411961001461971 + shared; // cos(2) - cos(6)
  const b = high * 1.3065629648763766 + shared; // cos(2) + cos(6)
  const c = mid * HALF_ROOT;
  v[i5] = gap07 - c + a;
  v[i3] = gap07 - c - a;
  v[i1] = gap07 + c + b;
  v[i7] = gap07 + c - b;
}

/** The way back. */
function inverse(v: Float64Array, at: number, step: number): void {
  const [i1, i2, i3] = [at + step, at + 2 * step, at + 3 * step];
  const [i4, i5, i6, i7] = [at + 4 * step, at + 5 * step, at + 6 * step, at + 7 * step];
  const [sum04, gap04, sum26] = [v[at] + v[i4], v[at] - v[i4], v[i2] + v[i6]];
  const gap26 = (v[i2] - v[i6]) * ROOT - sum26;
  const [even0, even3, even1, even2] = [sum04 + sum26, sum04 - sum26, gap04 + gap26, gap04 - gap26];

  const [sum53, gap53, sum17, gap17] = [v[i5] + v[i3], v[i5] - v[i3], v[i1] + v[i7], v[i1] - v[i7]];
  const shared = (gap53 + gap17) * 1.8477590650225735; // 2 cos(2 pi / 16)
  const odd0 = sum17 + sum53;
  const odd1 = shared - gap53 * 2.613125929752753 - odd0; // 2 (cos(2) + cos(6))
  const odd2 = (sum17 - sum53) * ROOT - odd1;
  const odd3 = shared - gap17 * 1.082392200292394 - odd2; // 2 (cos(2) - cos(6))
  v[at] = even0 + odd0;
  v[i7] = even0 - odd0;
  v[i1] = even1 + odd1;
  v[i6] = even1 - odd1;
  v[i2] = even2 + odd2;
  v[i5] = even2 - odd2;
  v[i3] = even3 + odd3;
  v[i4] = even3 - odd3;
}

/** Chroma is brought back between its places (three parts the nearer one, one part the further), as usual decoders do. */
function toImage(luma: Plane, blue: Plane, red: Plane, width: number, height: number): PixelImage {
  const result = new Uint8ClampedArray(width * height * 3);
  const columns = (width + 1) >> 1;
  const rows = (height + 1) >> 1;
  const [blues, reds] = [new Int32Array(columns), new Int32Array(columns)];
  const [lineBlue, lineRed] = [new Uint8Array(width + 1), new Uint8Array(width + 1)];
  for (let y = 0, to = 0; y < height; y++) {
    const near = y >> 1;
    const far = Math.max(0, Math.min(rows - 1, near + (y & 1 ? 1 : -1)));
    mixLines(blue, near, far, blues);
    mixLines(red, near, far, reds);
    spread(blues, lineBlue);
    spread(reds, lineRed);
    for (let x = 0, from = y * luma.width; x < width; x++, from++, to += 3) {
      const level = luma.data[from];
      const b = lineBlue[x] - 128;
      const r = lineRed[x] - 128;
      result[to] = level + ((91881 * r + 32768) >> 16);
      result[to + 1] = level + ((-22554 * b - 46802 * r + 32768) >> 16);
      result[to + 2] = level + ((116130 * b + 32768) >> 16);
    }
  }
  return { width, height, data: bytesOf({ data: result }) };
}

function mixLines({ width, data }: Plane, near: number, far: number, mixed: Int32Array): void {
  for (let x = 0; x < mixed.length; x++) mixed[x] = 3 * data[near * width + x] + data[far * width + x];
}

function spread(mixed: Int32Array, line: Uint8Array): void {
  const last = mixed.length - 1;
  for (let x = 0; x <= last; x++) {
    const own = 3 * mixed[x];
    line[2 * x] = (own + mixed[x === 0 ? 0 : x - 1] + 8) >> 4;
    line[2 * x + 1] = (own + mixed[x === last ? last : x + 1] + 7) >> 4;
  }
}
