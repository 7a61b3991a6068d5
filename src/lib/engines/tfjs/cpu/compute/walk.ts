// Walking several arrays at once along a common shape, a run of the last axis at a time. No arithmetic.

/** One array's step along each axis of the walk; 0 where it stays. */
export type Steps = readonly number[];

export interface Walk {
  shape: readonly number[];
  steps: readonly Steps[];
}

/** Row-major steps of an array of `shape` inside a walk of `rank` axes: axes of length 1 and missing ones stay. */
export function stepsOf(shape: readonly number[], rank: number): number[] {
  const steps = new Array<number>(rank).fill(0);
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) {
    if (shape[axis] !== 1) steps[rank - shape.length + axis] = step;
  }
  return steps;
}

/** The same walk with neighbouring axes joined wherever every array steps through them as through one. */
export function merged({ shape, steps }: Walk): Walk {
  const lengths: number[] = [];
  const kept: number[][] = steps.map(() => []);
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const last = lengths.length - 1;
    const joins = last >= 0 && steps.every((one, array) => kept[array][last] === one[axis] * length);
    if (joins) lengths[last] *= length;
    else lengths.push(length);
    steps.forEach((one, array) => {
      if (joins) kept[array][last] = one[axis];
      else kept[array].push(one[axis]);
    });
  });
  if (lengths.length > 0) return { shape: lengths, steps: kept };
  return { shape: [1], steps: steps.map(() => [0]) };
}

/**
 * Calls back for each run of the last axis with where every array stands (the same array each time), in row-major order.
 * An axis of length 0: no call.
 */
export function eachRun({ shape, steps }: Walk, visit: (at: readonly number[]) => void): void {
  if (shape.includes(0)) return;
  const outer = shape.length - 1;
  const index = new Array<number>(outer).fill(0);
  const at = steps.map(() => 0);
  for (;;) {
    visit(at);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      index[axis]++;
      for (let array = 0; array < at.length; array++) at[array] += steps[array][axis];
      if (index[axis] < shape[axis]) break;
      for (let array = 0; array < at.length; array++) at[array] -= shape[axis] * steps[array][axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
