// Reads small pieces of a large file, a page at a time, within a budget: a damaged file can send its reader in circles.

import { damaged } from './problem';

const PAGE_BYTES = 64 * 1024;
/** Pages kept; metadata lies close together. */
const MAX_PAGES = 256;
/** A real file of a thousand layers takes 20,000 reads. */
const MAX_READS = 400_000;
const MAX_BYTES = 256e6;

export class Pages {
  readonly size: number;
  readonly #blob: Blob;
  readonly #pages = new Map<number, Uint8Array>();
  #reads = 0;
  #bytes = 0;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.size = blob.size;
  }

  /** A copy of the bytes; throws where they are not all inside the file, or when too much was read already. */
  async read(offset: number, length: number): Promise<Cursor> {
    this.#reads++;
    this.#bytes += length;
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.size) {
      throw damaged(`it points to byte ${offset}, the file has ${this.size}`);
    }
    if (this.#reads > MAX_READS || this.#bytes > MAX_BYTES) throw damaged('its index runs in circles');
    const bytes = new Uint8Array(length);
    for (let at = offset; at < offset + length;) {
      const index = Math.floor(at / PAGE_BYTES);
      const page = await this.#page(index);
      const part = page.subarray(at - index * PAGE_BYTES, Math.min(page.length, offset + length - index * PAGE_BYTES));
      bytes.set(part, at - offset);
      at += part.length;
    }
    return new Cursor(bytes);
  }

  /** What lies there, for as much of `length` as the file has. */
  readUpTo(offset: number, length: number): Promise<Cursor> {
    return this.read(offset, Math.max(0, Math.min(length, this.size - offset)));
  }

  async #page(index: number): Promise<Uint8Array> {
    const known = this.#pages.get(index);
    if (known !== undefined) return known;
    const begin = index * PAGE_BYTES;
    const page = new Uint8Array(await this.#blob.slice(begin, begin + PAGE_BYTES).arrayBuffer());
    if (page.length === 0) throw damaged(`it ends before byte ${begin}`);
    if (this.#pages.size >= MAX_PAGES) this.#pages.clear();
    this.#pages.set(index, page);
    return page;
  }
}

/** Little-endian numbers one after another; throws at the end instead of reading past it. */
export class Cursor {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(length: number): this {
    this.#advance(length);
    return this;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A number of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    if (size === 8) return this.u32() + this.u32() * 2 ** 32;
    return size === 4 ? this.u32() : size === 2 ? this.u16() : this.u8();
  }

  /** Null when all bits are set: HDF5's undefined address. */
  address(size: number): number | null {
    const begin = this.#advance(size);
    const all = this.bytes.subarray(begin, begin + size);
    if (all.every((byte) => byte === 0xff)) return null;
    this.at = begin;
    return this.unsigned(size);
  }

  take(length: number): Cursor {
    const begin = this.#advance(length);
    return new Cursor(this.bytes.subarray(begin, begin + length));
  }

  signature(wanted: string): void {
    const found = String.fromCharCode(...this.take(4).bytes);
    if (found !== wanted) throw damaged(`it has no ${wanted} where one should be`);
  }

  /** Text up to the first zero, or to the end. */
  text(): string {
    const rest = this.bytes.subarray(this.at);
    const end = rest.indexOf(0);
    return new TextDecoder().decode(end < 0 ? rest : rest.subarray(0, end));
  }

  #advance(length: number): number {
    const begin = this.at;
    if (!Number.isSafeInteger(length) || length < 0 || length > this.left) throw damaged('a part of it ends too early');
    this.at += length;
    return begin;
  }
}
