// Tensors of the reference: flat doubles and loops, nothing clever. The first axis is the batch.

export interface RefTensor {
  shape: readonly number[];
  data: Float64Array;
}

export function zeros(shape: readonly number[]): RefTensor {
  return { shape, data: new Float64Array(shape.reduce((product, length) => product * length, 1)) };
}

/** Place of an index in the flat data. */
export function at(shape: readonly number[], ...index: number[]): number {
  return index.reduce((place, one, axis) => place * shape[axis] + one, 0);
}

/** Calls back with every index of a shape, in row-major order. */
export function eachIndex(shape: readonly number[], visit: (index: number[], place: number) => void): void {
  const index = shape.map(() => 0);
  const count = shape.reduce((product, length) => product * length, 1);
  for (let place = 0; place < count; place++) {
    visit(index, place);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** A tensor whose value at each index is computed on its own. */
export function generate(shape: readonly number[], value: (index: number[]) => number): RefTensor {
  const result = zeros(shape);
  eachIndex(shape, (index, place) => (result.data[place] = value(index)));
  return result;
}

export function mapValues(x: RefTensor, value: (v: number, place: number) => number): RefTensor {
  return { shape: x.shape, data: x.data.map(value) };
}
