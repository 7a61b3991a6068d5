// How much each input pixel of a line counts for each output pixel: the separable half of resizing, without any pixels.
// With antialias as Pillow computes it (its BILINEAR, BICUBIC, NEAREST), without as torch.nn.functional.interpolate does.

export interface Resampling {
  interpolation: 'bilinear' | 'bicubic' | 'nearest';
  /** Default true: a smaller image averages all pixels it covers. False skips pixels, as torch does unless asked otherwise. */
  antialias?: boolean;
}

export interface LineWeights {
  /** First input pixel of each output pixel. */
  first: Int32Array;
  /** Number of input pixels of each output pixel. */
  count: Int32Array;
  /** weights[output * taps + i] for i < count[output]; they sum to 1. */
  weights: Float64Array;
  /** The same as integers, times 2^{@link PRECISION_BITS}. */
  fixed: Int32Array;
  taps: number;
}

/** Pillow's fixed point: 32 bits less 8 of the pixel, less 2 so that a cubic's overshoot does not wrap around. */
export const PRECISION_BITS = 22;

/** One axis of a resize: `length` output pixels from `from` on, of a line of `output` made from `input` pixels. */
export interface Line {
  input: number;
  output: number;
  from: number;
  length: number;
}

/** Weights by what they were computed for. Bounded; the oldest goes first. */
export type WeightCache = Map<string, LineWeights>;

// An image takes two entries, so this serves 64 different sizes; data sets with more recompute, at some microseconds each.
const CACHE_ENTRIES = 128;

export function lineWeights(line: Line, resampling: Resampling, cache?: WeightCache): LineWeights {
  const { input, output, from, length } = line;
  const { interpolation, antialias = true } = resampling;
  const key = `${interpolation} ${antialias} ${input} ${output} ${from} ${length}`;
  const known = cache?.get(key);
  if (known !== undefined) return known;
  const made =
    antialias && interpolation !== 'nearest' ? covering(line, FILTERS[interpolation]) : sampling(line, resampling);
  // Half away from zero, as Pillow does; Math.round would take negative halves up.
  made.weights.forEach((weight, i) => {
    made.fixed[i] = Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
  });
  if (cache !== undefined) {
    if (cache.size >= CACHE_ENTRIES) cache.delete(cache.keys().next().value ?? '');
    cache.set(key, made);
  }
  return made;
}

interface Filter {
  /** Half its width in output pixels. */
  support: number;
  at(x: number): number;
}

/** Keys' cubic convolution. Pillow takes a = -0.5, torch without antialias -0.75. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

const FILTERS: Record<'bilinear' | 'bicubic', Filter> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: (x) => cubic(x, -0.5) },
};

/** Antialiased: the filter is stretched over all that an output pixel covers. */
function covering({ input, output, from, length }: Line, filter: Filter): LineWeights {
  const scale = input / output;
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const made = emptyWeights(length, taps);
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(input, Math.trunc(center + support + 0.5)) - first;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = filter.at((tap + first - center + 0.5) / stretch);
      made.weights[i * taps + tap] = weight;
      total += weight;
    }
    for (let tap = 0; tap < count; tap++) made.weights[i * taps + tap] /= total;
    made.first[i] = first;
    made.count[i] = count;
  }
  return made;
}

/** Not antialiased: 1, 2 or 4 neighbours of one point. */
function sampling({ input, output, from, length }: Line, { interpolation, antialias = true }: Resampling): LineWeights {
  const scale = input / output;
  const taps = { nearest: 1, bilinear: 2, bicubic: 4 }[interpolation];
  const made = emptyWeights(length, taps);
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * scale - 0.5;
    if (interpolation === 'nearest') {
      // Pillow takes the pixel under the output pixel's centre, torch's "nearest" the one under its corner.
      const at = Math.floor(antialias ? center + 0.5 : (from + i) * scale);
      place(made, i, Math.min(at, input - 1), [1], input);
    } else if (interpolation === 'bilinear') {
      const clamped = Math.max(0, center);
      const base = Math.floor(clamped);
      place(made, i, base, [1 - (clamped - base), clamped - base], input);
    } else {
      const base = Math.floor(center);
      const t = center - base;
      place(made, i, base - 1, [cubic(t + 1, -0.75), cubic(t, -0.75), cubic(1 - t, -0.75), cubic(2 - t, -0.75)], input);
    }
  }
  return made;
}

/** Weights that fall outside the line go to its first or last pixel. */
function place(made: LineWeights, index: number, start: number, weights: readonly number[], input: number): void {
  const first = Math.min(Math.max(start, 0), input - 1);
  const last = Math.min(Math.max(start + weights.length - 1, 0), input - 1);
  weights.forEach((weight, tap) => {
    const pixel = Math.min(Math.max(start + tap, 0), input - 1);
    made.weights[index * made.taps + pixel - first] += weight;
  });
  made.first[index] = first;
  made.count[index] = last - first + 1;
}

function emptyWeights(length: number, taps: number): LineWeights {
  return {
    first: new Int32Array(length),
    count: new Int32Array(length),
    weights: new Float64Array(length * taps),
    fixed: new Int32Array(length * taps),
    taps,
  };
}
