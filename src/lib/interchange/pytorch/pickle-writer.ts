// Writes the few opcodes of pickle protocol 2 that a state dict takes, the same that torch.save writes.

import { utf8 } from '../bytes';
import type { Bytes } from '../bytes';

/** Largest that BININT holds. */
const MOST_INT = 2 ** 31 - 1;

export class PickleWriter {
  readonly #bytes: number[] = [0x80, 2];
  readonly #memo = new Map<string, number>();

  #uint32(value: number): void {
    this.#bytes.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  /** A whole number from 0 to 2^53. */
  integer(value: number): this {
    if (value < 256) this.#bytes.push(0x4b, value);
    else if (value <= MOST_INT) {
      this.#bytes.push(0x4a);
      this.#uint32(value);
    } else {
      // LONG1 of eight bytes
      this.#bytes.push(0x8a, 8);
      this.#uint32(value % 2 ** 32);
      this.#uint32(Math.floor(value / 2 ** 32));
    }
    return this;
  }

  text(value: string): this {
    const bytes = utf8(value);
    this.#bytes.push(0x58);
    this.#uint32(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** NEWFALSE */
  false(): this {
    this.#bytes.push(0x89);
    return this;
  }

  /** A class or function; named once, then taken from the memo. */
  global(module: string, name: string): this {
    const key = `${module} ${name}`;
    const known = this.#memo.get(key);
    if (known !== undefined) {
      this.#bytes.push(0x68, known);
      return this;
    }
    this.#bytes.push(0x63, ...utf8(`${module}\n${name}\n`), 0x71, this.#memo.size);
    this.#memo.set(key, this.#memo.size);
    return this;
  }

  tuple(write: () => void): this {
    this.#bytes.push(0x28);
    write();
    this.#bytes.push(0x74);
    return this;
  }

  integers(values: readonly number[]): this {
    return this.tuple(() => values.forEach((value) => this.integer(value)));
  }

  /** collections.OrderedDict(), for `items` to fill. */
  orderedDictionary(): this {
    this.global('collections', 'OrderedDict');
    // EMPTY_TUPLE, REDUCE
    this.#bytes.push(0x29, 0x52);
    return this;
  }

  /** Keys and values in turn, into the dictionary on the stack. */
  items(write: () => void): this {
    this.#bytes.push(0x28);
    write();
    this.#bytes.push(0x75);
    return this;
  }

  /** Calls the function below the topmost tuple with it. */
  reduce(): this {
    this.#bytes.push(0x52);
    return this;
  }

  /** Makes a reference of the topmost tuple. */
  persistent(): this {
    this.#bytes.push(0x51);
    return this;
  }

  /** The pickle, which ends here. */
  end(): Bytes {
    this.#bytes.push(0x2e);
    return Uint8Array.from(this.#bytes);
  }
}
