// Exponential moving average with its bias taken out, as TensorBoard smooths its curves (its sum starts at zero, so that the first
// values would be pulled to zero: dividing by 1 - weight^n undoes it). Pure.

/**
 * `weight` in 0..1 is the share of the past; 0 leaves the values as they are. Gaps and values that are no finite numbers stay and are
 * not counted. A curve that never changes stays exactly as it is: rounding would draw ripples on it.
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  const first = values.find((value) => value !== null);
  if (weight <= 0 || values.every((value) => value === first || value === null)) return [...values];
  let mean = 0;
  let counted = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return value;
    mean = weight * mean + (1 - weight) * value;
    counted++;
    // At a weight of 1 the past is all there is, and there is no bias to divide by.
    return weight < 1 ? mean / (1 - weight ** counted) : mean;
  });
}
