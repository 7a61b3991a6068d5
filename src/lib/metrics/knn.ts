// k nearest neighbours by cosine similarity: what features are worth without any training. Pure functions on arrays.

/** Rows of features, [count, width]. */
export interface FeatureRows {
  values: Float32Array;
  width: number;
}

export interface NeighbourOptions {
  /** Neighbours asked; all where there are fewer. */
  k: number;
  /** Votes count by their similarity instead of alike; neighbours that point away do not count. */
  weighted?: boolean;
}

/** Rows divided by their lengths; rows of zeros stay so. */
export function normalizeRows({ values, width }: FeatureRows): Float32Array {
  const result = new Float32Array(values.length);
  for (let begin = 0; begin < values.length; begin += width) {
    let squares = 0;
    for (let at = begin; at < begin + width; at++) squares += values[at] * values[at];
    const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let at = begin; at < begin + width; at++) result[at] = values[at] * factor;
  }
  return result;
}

/**
 * Shares of the votes for each class, [queries, classes]: the mean of the `targets` ([known, classes], 0..1) of the k known rows
 * that are most similar to a query. Of equally similar ones the earlier counts. A query without any vote gets equal shares.
 */
export function neighbourVotes(
  known: FeatureRows,
  targets: Float32Array,
  queries: FeatureRows,
  { k, weighted = false }: NeighbourOptions,
): Float32Array {
  const { width } = known;
  const count = known.values.length / width;
  const classes = targets.length / count;
  const reference = normalizeRows(known);
  const asked = normalizeRows(queries);
  const total = asked.length / width;
  const votes = new Float32Array(total * classes);
  const nearest = Math.min(k, count);
  const best = new Float64Array(nearest);
  const rows = new Int32Array(nearest);
  for (let query = 0; query < total; query++) {
    best.fill(-Infinity);
    for (let row = 0; row < count; row++) {
      const similarity = dot(asked, query * width, reference, row * width, width);
      if (similarity > best[nearest - 1]) insert(best, rows, similarity, row);
    }
    const result = votes.subarray(query * classes, (query + 1) * classes);
    let voices = 0;
    for (let place = 0; place < nearest; place++) {
      const weight = weighted ? Math.max(0, best[place]) : 1;
      voices += weight;
      for (let c = 0; c < classes; c++) result[c] += weight * targets[rows[place] * classes + c];
    }
    for (let c = 0; c < classes; c++) result[c] = voices > 0 ? result[c] / voices : 1 / classes;
  }
  return votes;
}

/** Four sums side by side: twice as fast as one, whose additions wait for each other. */
function dot(a: Float32Array, fromA: number, b: Float32Array, fromB: number, width: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let at = 0;
  for (; at + 3 < width; at += 4) {
    s0 += a[fromA + at] * b[fromB + at];
    s1 += a[fromA + at + 1] * b[fromB + at + 1];
    s2 += a[fromA + at + 2] * b[fromB + at + 2];
    s3 += a[fromA + at + 3] * b[fromB + at + 3];
  }
  for (; at < width; at++) s0 += a[fromA + at] * b[fromB + at];
  return s0 + s1 + (s2 + s3);
}

/** Keeps `best` falling; what is equal to another goes behind it. */
function insert(best: Float64Array, rows: Int32Array, similarity: number, row: number): void {
  let place = best.length - 1;
  for (; place > 0 && best[place - 1] < similarity; place--) {
    best[place] = best[place - 1];
    rows[place] = rows[place - 1];
  }
  best[place] = similarity;
  rows[place] = row;
}
