// Where the bytes of a storage lie.

export interface NumbersSource {
  /** Bytes that are there. */
  size: number;
  /** A part of them. `start` and `end` are within the size. */
  read(start: number, end: number): Promise<Uint8Array>;
}
