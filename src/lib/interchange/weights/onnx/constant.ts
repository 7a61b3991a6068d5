// Constants of an ONNX graph and the arithmetic on them: what exporters compute of shapes, and what they do to weights before use.
// Values are loaded when first needed.

import { elements } from '$lib/graph/ops/operation';
import type { Shape } from '$lib/graph/types';
import type { Numbers } from './tensor';

export interface Constant {
  what: 'constant';
  /** The initialiser that the values come from unchanged, where there is one. */
  name: string | null;
  shape: Shape;
  kind: 'float' | 'integer';
  /** Not to be changed by the reader: several may share them. */
  read(): Promise<Numbers>;
}

/** Thrown where a file is in order, but its network is not one that can be made here. `reason` is a sentence. */
export class Unsupported extends Error {
  constructor(
    readonly reason: string,
    readonly operations: readonly string[] = [],
  ) {
    super(reason);
    this.name = 'Unsupported';
  }
}

/** Largest tensor that is computed rather than read: shapes are short, and repeated tokens have a few thousand values. */
const MAX_COMPUTED = 2 ** 22;

export function constant(
  shape: Shape,
  kind: Constant['kind'],
  read: () => Promise<Numbers>,
  name: string | null = null,
): Constant {
  let values: Promise<Numbers> | null = null;
  return { what: 'constant', name, shape, kind, read: () => (values ??= read()) };
}

export function known(shape: Shape, kind: Constant['kind'], values: readonly number[]): Constant {
  const numbers = kind === 'float' ? Float32Array.from(values) : Float64Array.from(values);
  return { what: 'constant', name: null, shape, kind, read: () => Promise.resolve(numbers) };
}

/** The same values in another shape. */
export function reshaped(source: Constant, shape: Shape): Constant {
  if (elements(shape) !== elements(source.shape)) {
    throw new Unsupported(`A constant of shape [${source.shape.join(', ')}] cannot become [${shape.join(', ')}].`);
  }
  return { ...source, shape };
}

export function withKind(source: Constant, kind: Constant['kind']): Constant {
  if (source.kind === kind) return source;
  return constant(
    source.shape,
    kind,
    async () => {
      const values = await source.read();
      return kind === 'float' ? Float32Array.from(values) : Float64Array.from(values, Math.trunc);
    },
    source.name,
  );
}

/** All values, for shapes and settings: at most a few thousand. */
export async function numbers(source: Constant): Promise<readonly number[]> {
  if (elements(source.shape) > 100_000) throw new Unsupported('A setting of one of its operations is a large tensor.');
  return Array.from(await source.read());
}

function allowed(shape: Shape): Shape {
  if (shape.some((length) => !Number.isInteger(length) || length < 0) || elements(shape) > MAX_COMPUTED) {
    throw new Unsupported(`A constant of shape [${shape.join(', ')}] cannot be computed.`);
  }
  return shape;
}

/** Steps of each axis in a flat array; 0 along axes that are broadcast. */
function strides(shape: Shape, rank: number): number[] {
  const steps = new Array<number>(rank).fill(0);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) steps[rank - shape.length + axis] = step;
    step *= shape[axis];
  }
  return steps;
}

/** Calls `visit` with the flat places in each source for every place of `shape`, in order. */
function each(shape: Shape, steps: readonly number[][], visit: (to: number, from: readonly number[]) => void): void {
  const total = elements(shape);
  const index = shape.map(() => 0);
  const from = steps.map(() => 0);
  for (let to = 0; to < total; to++) {
    visit(to, from);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      for (let source = 0; source < steps.length; source++) from[source] += steps[source][axis];
      if (index[axis] < shape[axis]) break;
      for (let source = 0; source < steps.length; source++) from[source] -= steps[source][axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

function emptyLike(kind: Constant['kind'], count: number): Numbers {
  return kind === 'float' ? new Float32Array(count) : new Float64Array(count);
}

/** NumPy's rule for both shapes. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const one = a[axis - rank + a.length] ?? 1;
    const other = b[axis - rank + b.length] ?? 1;
    if (one !== other && one !== 1 && other !== 1) {
      throw new Unsupported(`Shapes [${a.join(', ')}] and [${b.join(', ')}] do not fit together.`);
    }
    return one === 1 ? other : one;
  });
}

/** Element by element with broadcasting; integers stay integers unless `kind` says otherwise. */
export function combined(
  a: Constant,
  b: Constant,
  compute: (x: number, y: number) => number,
  kind: Constant['kind'] = a.kind,
): Constant {
  const shape = allowed(broadcast(a.shape, b.shape));
  return constant(shape, kind, async () => {
    const [x, y] = [await a.read(), await b.read()];
    const result = emptyLike(kind, elements(shape));
    each(shape, [strides(a.shape, shape.length), strides(b.shape, shape.length)], (to, [i, j]) => {
      result[to] = compute(x[i], y[j]);
    });
    return result;
  });
}

export function mapped(
  source: Constant,
  compute: (x: number) => number,
  kind: Constant['kind'] = source.kind,
): Constant {
  return constant(source.shape, kind, async () => {
    const values = await source.read();
    return kind === 'float' ? Float32Array.from(values, compute) : Float64Array.from(values, compute);
  });
}

export function permuted(source: Constant, order: readonly number[]): Constant {
  const { shape } = source;
  const sorted = [...order].sort((a, b) => a - b);
  if (order.length !== shape.length || sorted.some((axis, at) => axis !== at)) {
    throw new Unsupported(`A constant of ${shape.length} axes cannot be transposed by [${order.join(', ')}].`);
  }
  const steps = shape.map((_, axis) => elements(shape.slice(axis + 1)));
  const result = order.map((axis) => shape[axis]);
  return gathered(
    source,
    result,
    order.map((axis) => steps[axis]),
    0,
  );
}

/** Values of `source` at `start` plus `steps` times each index. */
function gathered(source: Constant, shape: Shape, steps: readonly number[], start: number): Constant {
  return constant(shape, source.kind, async () => {
    const values = await source.read();
    const result = emptyLike(source.kind, elements(shape));
    each(shape, [[...steps]], (to, [from]) => {
      result[to] = values[start + from];
    });
    return result;
  });
}

/** Repeats axes of length 1. */
export function expanded(source: Constant, target: Shape): Constant {
  const shape = allowed(broadcast(source.shape, target));
  const result = gathered(source, shape, strides(source.shape, shape.length), 0);
  return { ...result, name: source.name };
}

/** A part of one axis: `size` values from `begin` on, `step` apart. */
export function sliced(source: Constant, axis: number, begin: number, size: number, step: number): Constant {
  const steps = source.shape.map((_, at) => elements(source.shape.slice(at + 1)));
  const shape = source.shape.map((length, at) => (at === axis ? size : length));
  const moved = steps.map((value, at) => (at === axis ? value * step : value));
  return gathered(source, shape, moved, begin * steps[axis]);
}

/** The slices of one axis at these places, whose axis is replaced by `shape`. */
export function picked(source: Constant, axis: number, places: readonly number[], shape: Shape): Constant {
  const inner = elements(source.shape.slice(axis + 1));
  const outer = elements(source.shape.slice(0, axis));
  const length = source.shape[axis];
  for (const place of places) {
    if (!Number.isInteger(place) || place < -length || place >= length) {
      throw new Unsupported(`Place ${place} is not on an axis of length ${length}.`);
    }
  }
  const result = allowed([...source.shape.slice(0, axis), ...shape, ...source.shape.slice(axis + 1)]);
  return constant(result, source.kind, async () => {
    const values = await source.read();
    const picks = emptyLike(source.kind, elements(result));
    let to = 0;
    for (let block = 0; block < outer; block++) {
      for (const place of places) {
        const from = (block * length + (place < 0 ? place + length : place)) * inner;
        for (let at = 0; at < inner; at++) picks[to++] = values[from + at];
      }
    }
    return picks;
  });
}

export function joined(sources: readonly Constant[], axis: number): Constant {
  const [first] = sources;
  for (const { shape } of sources) {
    if (shape.length !== first.shape.length || shape.some((n, at) => at !== axis && n !== first.shape[at])) {
      throw new Unsupported('Constants of shapes that do not fit are joined.');
    }
  }
  const length = sources.reduce((sum, { shape }) => sum + shape[axis], 0);
  const shape = allowed(first.shape.map((n, at) => (at === axis ? length : n)));
  const kind = sources.some((source) => source.kind === 'float') ? 'float' : 'integer';
  return constant(shape, kind, async () => {
    const parts = await Promise.all(sources.map((source) => source.read()));
    const inner = elements(first.shape.slice(axis + 1));
    const outer = elements(first.shape.slice(0, axis));
    const result = emptyLike(kind, elements(shape));
    let to = 0;
    for (let block = 0; block < outer; block++) {
      for (const [index, part] of parts.entries()) {
        const size = sources[index].shape[axis] * inner;
        result.set(part.subarray(block * size, (block + 1) * size), to);
        to += size;
      }
    }
    return result;
  });
}

export function filled(shape: Shape, value: number, kind: Constant['kind']): Constant {
  allowed(shape);
  return constant(shape, kind, () => Promise.resolve(emptyLike(kind, elements(shape)).fill(value)));
}

/** start, start + step, ... below `limit`. */
export function range(start: number, limit: number, step: number, kind: Constant['kind']): Constant {
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const [length] = allowed([count]);
  return known(
    [length],
    kind,
    Array.from({ length }, (_, at) => start + at * step),
  );
}
