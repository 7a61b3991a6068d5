// How sure a measured share is, from its count alone.

export interface Interval {
  low: number;
  high: number;
}

/** Standard normal quantile of 0.975: two-sided 95 %. */
const Z_95 = 1.959963984540054;

/**
 * Wilson's score interval (1927) for a share of `count` independent images; 95 % unless another z is given. Unlike the plain normal
 * one it stays in 0..1 and is sensible for shares of 0 and 1. Null without images.
 */
export function wilsonInterval(share: number, count: number, z = Z_95): Interval | null {
  if (!(count > 0) || !Number.isFinite(share)) return null;
  const z2 = z * z;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const half = (z / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
