// Reads the bytes of a pickle in order and never beyond their end.

/** The pickle goes on behind the bytes at hand, or is cut off there. */
export class PickleEnd extends Error {}

/** The pickle breaks its own rules or asks for what this machine does not do; the message continues "a pickle that ...". */
export class PickleError extends Error {}

const NEWLINE = 0x0a;

export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** Place of the next `count` bytes, which are there; moves behind them. */
  #take(count: number): number {
    const from = this.at;
    if (count > this.#bytes.length - from) throw new PickleEnd();
    this.at = from + count;
    return from;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)];
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A length: what does not fit a number is beyond any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** Big-endian, alone among the numbers of a pickle. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    const from = this.#take(count);
    return this.#bytes.subarray(from, from + count);
  }

  utf8(count: number): string {
    return new TextDecoder().decode(this.bytes(count));
  }

  latin1(count: number): string {
    return new TextDecoder('latin1').decode(this.bytes(count));
  }

  /** Up to the end of the line, which is left out. */
  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.at);
    if (end < 0) throw new PickleEnd();
    const text = this.utf8(end - this.at);
    this.at = end + 1;
    return text;
  }

  /** Two's complement of any length, lowest byte first. */
  integer(count: number): number | bigint {
    if (count > MOST_INTEGER_BYTES) throw new PickleError(`holds an integer of ${count} bytes`);
    const bytes = this.bytes(count);
    let value = 0n;
    for (let index = count - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]);
    if (count > 0 && bytes[count - 1] > 127) value -= 1n << BigInt(8 * count);
    return narrowed(value);
  }
}

/** Random generators keep their state in integers of some thousand bits; longer ones only cost time. */
const MOST_INTEGER_BYTES = 8192;

/** A number where it is exact. */
export function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
