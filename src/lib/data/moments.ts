// What is kept of each image's colours: enough for the mean and deviation of any set of images without decoding them again.

/** Mean of R, G, B and mean of their squares over the image, in 0..1. */
export type ChannelMoments = readonly [number, number, number, number, number, number];

export interface MeasuredImage {
  /** After orientation. */
  width: number;
  height: number;
  moments: ChannelMoments;
}

/** From sums over `pixels` pixels of 0..255. */
export function momentsOfSums(
  sums: readonly [number, number, number],
  squares: readonly [number, number, number],
  pixels: number,
): ChannelMoments {
  const [r, g, b] = sums;
  const [rr, gg, bb] = squares;
  const first = pixels * 255;
  const second = pixels * 255 * 255;
  return [r / first, g / first, b / first, rr / second, gg / second, bb / second];
}

/** Of pixels at hand. Grey counts as three equal channels. */
export function measurePixels(image: {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array | Uint8ClampedArray;
}): MeasuredImage {
  const { width, height, channels, data } = image;
  const sums: [number, number, number] = [0, 0, 0];
  const squares: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i += channels) {
    for (let channel = 0; channel < 3; channel++) {
      const value = data[channels === 1 ? i : i + channel];
      sums[channel] += value;
      squares[channel] += value * value;
    }
  }
  return { width, height, moments: momentsOfSums(sums, squares, width * height) };
}
