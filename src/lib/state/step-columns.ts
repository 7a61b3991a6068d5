// Columns of numbers that grow for hours in bounded room: when they are full, neighbours become one and later rows are merged alike.

/** Twice what a wide chart has pixels; a redraw of four such charts stays well under a frame. */
const CAPACITY = 2_048;

type Merge = 'mean' | 'last';

export class StepColumns<Name extends string> {
  readonly #merge: Readonly<Record<Name, Merge>>;
  readonly #columns: Map<Name, Float64Array>;
  readonly #capacity: number;
  #length = 0;
  /** Rows that were given for each row that is kept. */
  #stride = 1;
  /** Rows merged into the last one so far. */
  #merged = 0;

  /** How the values of merged rows become one, by column; `capacity` is an even number of rows. */
  constructor(merge: Readonly<Record<Name, Merge>>, capacity = CAPACITY) {
    this.#merge = merge;
    this.#capacity = capacity;
    this.#columns = new Map(Object.keys(merge).map((name) => [name as Name, new Float64Array(capacity)])); // keys of that record
  }

  get length(): number {
    return this.#length;
  }

  add(row: Readonly<Record<Name, number>>): void {
    if (this.#length > 0 && this.#merged < this.#stride) {
      const last = this.#length - 1;
      const count = this.#merged++;
      for (const [name, column] of this.#columns) {
        column[last] = this.#merge[name] === 'last' ? row[name] : (column[last] * count + row[name]) / (count + 1);
      }
      return;
    }
    if (this.#length === this.#capacity) this.#halve();
    for (const [name, column] of this.#columns) column[this.#length] = row[name];
    this.#length++;
    this.#merged = 1;
  }

  /** A copy, oldest first. */
  values(name: Name): number[] {
    return Array.from(this.#columns.get(name)?.subarray(0, this.#length) ?? []);
  }

  last(name: Name): number | null {
    return this.#length === 0 ? null : (this.#columns.get(name)?.[this.#length - 1] ?? null);
  }

  /** Drops the rows whose value in an ascending column is above `limit`. */
  forgetAfter(name: Name, limit: number): void {
    const column = this.#columns.get(name);
    if (column === undefined) return;
    while (this.#length > 0 && column[this.#length - 1] > limit) this.#length--;
    // The next row starts a new one: it must not be averaged with what came before the interruption.
    this.#merged = this.#stride;
  }

  #halve(): void {
    const half = this.#capacity / 2;
    for (const [name, column] of this.#columns) {
      for (let row = 0; row < half; row++) {
        const [a, b] = [column[2 * row], column[2 * row + 1]];
        column[row] = this.#merge[name] === 'last' ? b : (a + b) / 2;
      }
    }
    this.#length = half;
    this.#stride *= 2;
  }
}
