// A teacher's outputs as targets to learn from. Arithmetic on arrays; the loss that reads them is in loss.ts.

import { sigmoidValues, softmaxRows } from '$lib/metrics/probabilities';

/** Probabilities at a temperature of logits [count, classes]. */
export function softLabels(
  logits: Float32Array,
  classes: number,
  { temperature, activation = 'softmax' }: { temperature: number; activation?: 'softmax' | 'sigmoid' },
): Float32Array<ArrayBuffer> {
  const cooled = logits.map((value) => value / temperature);
  return activation === 'softmax' ? softmaxRows(cooled, classes) : sigmoidValues(cooled);
}

/** Rows of own targets and a teacher's side by side, [count, 2 * classes]. Both have `classes` columns. */
export function besideTeacher(own: Float32Array, teacher: Float32Array, classes: number): Float32Array<ArrayBuffer> {
  const both = new Float32Array(own.length + teacher.length);
  for (let begin = 0; begin < own.length; begin += classes) {
    both.set(own.subarray(begin, begin + classes), 2 * begin);
    both.set(teacher.subarray(begin, begin + classes), 2 * begin + classes);
  }
  return both;
}
