// A depthwise convolution and its two gradients in plain JavaScript, summed in double precision. Several filters per channel are
// one filter per channel of an input whose channels are repeated; that copy is made only then.

import type { ConvolutionShape } from '../../convolution-shape';

/** Pairs of an axis' output and input coordinates that one kernel tap connects, for each output coordinate. */
function inside(s: ConvolutionShape, axis: 0 | 1, output: number, tap: number): number {
  const place = output * s.strides[axis] + tap * s.dilation[axis] - s.padding[axis * 2];
  return place >= 0 && place < s.input[axis] ? place : -1;
}

/** to[..channels] = sum over `count` pairs of a[pair] * b[pair], channel by channel. */
function sumPairs(
  a: Float32Array,
  atA: Int32Array,
  b: Float32Array,
  atB: Int32Array,
  count: number,
  channels: number,
  to: Float32Array,
  begin: number,
): void {
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let pair = 0; pair < count; pair++) {
      const i = atA[pair] + c;
      const j = atB[pair] + c;
      s0 += a[i] * b[j];
      s1 += a[i + 1] * b[j + 1];
      s2 += a[i + 2] * b[j + 2];
      s3 += a[i + 3] * b[j + 3];
    }
    to[begin + c] = s0;
    to[begin + c + 1] = s1;
    to[begin + c + 2] = s2;
    to[begin + c + 3] = s3;
  }
  for (; c < channels; c++) {
    let sum = 0;
    for (let pair = 0; pair < count; pair++) sum += a[atA[pair] + c] * b[atB[pair] + c];
    to[begin + c] = sum;
  }
}

/** Plain: as many output channels as input channels. y from x and the filter [kh, kw, c]. */
function plainForward(s: ConvolutionShape, x: Float32Array, filter: Float32Array, y: Float32Array): void {
  const [height, width, channels] = s.input;
  const [kh, kw] = s.kernel;
  const pixels = new Int32Array(kh * kw);
  const weights = new Int32Array(kh * kw);
  let to = 0;
  for (let image = 0; image < s.batch; image++) {
    for (let row = 0; row < s.output[0]; row++) {
      for (let column = 0; column < s.output[1]; column++, to += channels) {
        let count = 0;
        for (let ky = 0; ky < kh; ky++) {
          const py = inside(s, 0, row, ky);
          for (let kx = 0; py >= 0 && kx < kw; kx++) {
            const px = inside(s, 1, column, kx);
            if (px < 0) continue;
            pixels[count] = ((image * height + py) * width + px) * channels;
            weights[count++] = (ky * kw + kx) * channels;
          }
        }
        sumPairs(x, pixels, filter, weights, count, channels, y, to);
      }
    }
  }
}

/** For each input coordinate of an axis: the [output, tap] pairs that see it. */
function seenBy(s: ConvolutionShape, axis: 0 | 1): [output: number, tap: number][][] {
  const pairs: [number, number][][] = Array.from({ length: s.input[axis] }, () => []);
  for (let output = 0; output < s.output[axis]; output++) {
    for (let tap = 0; tap < s.kernel[axis]; tap++) {
      const place = inside(s, axis, output, tap);
      if (place >= 0) pairs[place].push([output, tap]);
    }
  }
  return pairs;
}

function plainInputGradient(s: ConvolutionShape, dy: Float32Array, filter: Float32Array, dx: Float32Array): void {
  const [height, width, channels] = s.input;
  const [outHeight, outWidth] = s.output;
  const [rows, columns] = [seenBy(s, 0), seenBy(s, 1)];
  const slopes = new Int32Array(s.kernel[0] * s.kernel[1]);
  const weights = new Int32Array(s.kernel[0] * s.kernel[1]);
  let to = 0;
  for (let image = 0; image < s.batch; image++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++, to += channels) {
        let count = 0;
        for (const [y, ky] of rows[row]) {
          for (const [x, kx] of columns[column]) {
            slopes[count] = ((image * outHeight + y) * outWidth + x) * channels;
            weights[count++] = (ky * s.kernel[1] + kx) * channels;
          }
        }
        sumPairs(dy, slopes, filter, weights, count, channels, dx, to);
      }
    }
  }
}

function plainFilterGradient(s: ConvolutionShape, x: Float32Array, dy: Float32Array, dFilter: Float32Array): void {
  const [height, width, channels] = s.input;
  const [outHeight, outWidth] = s.output;
  const sums = new Float64Array(channels);
  for (let ky = 0; ky < s.kernel[0]; ky++) {
    for (let kx = 0; kx < s.kernel[1]; kx++) {
      sums.fill(0);
      for (let image = 0; image < s.batch; image++) {
        for (let row = 0; row < outHeight; row++) {
          const py = inside(s, 0, row, ky);
          for (let column = 0; py >= 0 && column < outWidth; column++) {
            const px = inside(s, 1, column, kx);
            if (px < 0) continue;
            const i = ((image * height + py) * width + px) * channels;
            const j = ((image * outHeight + row) * outWidth + column) * channels;
            for (let c = 0; c < channels; c++) sums[c] += x[i + c] * dy[j + c];
          }
        }
      }
      dFilter.set(sums, (ky * s.kernel[1] + kx) * channels);
    }
  }
}

/** The shape whose input has as many channels as the output, and how many of those one real channel becomes. */
function repeated(s: ConvolutionShape): { shape: ConvolutionShape; multiplier: number } {
  const [height, width, channels] = s.input;
  return { shape: { ...s, input: [height, width, s.output[2]] }, multiplier: s.output[2] / channels };
}

function repeat(x: Float32Array, multiplier: number): Float32Array {
  const wide = new Float32Array(x.length * multiplier);
  for (let at = 0; at < wide.length; at++) wide[at] = x[Math.floor(at / multiplier)];
  return wide;
}

/** y [n, oh, ow, c * m] from x [n, h, w, c] and filter [kh, kw, c, m]. */
export function depthwiseForward(s: ConvolutionShape, x: Float32Array, filter: Float32Array, y: Float32Array): void {
  const { shape, multiplier } = repeated(s);
  plainForward(shape, multiplier === 1 ? x : repeat(x, multiplier), filter, y);
}

/** dx [n, h, w, c] from dy [n, oh, ow, c * m] and filter [kh, kw, c, m]. */
export function depthwiseInputGradient(
  s: ConvolutionShape,
  dy: Float32Array,
  filter: Float32Array,
  dx: Float32Array,
): void {
  const { shape, multiplier } = repeated(s);
  if (multiplier === 1) return plainInputGradient(s, dy, filter, dx);
  const wide = new Float32Array(dx.length * multiplier);
  plainInputGradient(shape, dy, filter, wide);
  for (let at = 0; at < dx.length; at++) {
    let sum = 0;
    for (let index = 0; index < multiplier; index++) sum += wide[at * multiplier + index];
    dx[at] = sum;
  }
}

/** dFilter [kh, kw, c, m] from x [n, h, w, c] and dy [n, oh, ow, c * m]. */
export function depthwiseFilterGradient(
  s: ConvolutionShape,
  x: Float32Array,
  dy: Float32Array,
  dFilter: Float32Array,
): void {
  const { shape, multiplier } = repeated(s);
  plainFilterGradient(shape, multiplier === 1 ? x : repeat(x, multiplier), dy, dFilter);
}
