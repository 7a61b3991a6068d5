// Channel counts of scaled architectures.

/**
 * The multiple of `divisor` nearest to `channels`, never more than 10% below it: timm's make_divisible, after
 * Sandler et al. 2018 (MobileNetV2).
 */
export function roundChannels(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}
