// Attributes of HDF5 objects. Texts alone are read: names of layers and weights, the configuration of a model.

import type { Sizes } from './file';
import type { Cursor, Pages } from './pages';
import { damaged, unknown } from './problem';
import { readDataspace, readDatatype } from './types';

export interface Attribute {
  /** Every text of it, in order; a single value is a list of one. Empty where it holds no texts. */
  texts: readonly string[];
}

const MAX_TEXTS = 1e6;
/** A configuration of a thousand layers has 1 MB. */
const MAX_TEXT_BYTES = 32e6;

/** The attribute in a message when it is called `wanted`, else null. */
export async function readAttribute(
  data: Cursor,
  wanted: string,
  sizes: Sizes,
  pages: Pages,
): Promise<Attribute | null> {
  const version = data.u8();
  if (version < 1 || version > 3) throw unknown(`attributes of version ${version}`);
  const flags = data.u8();
  const [nameBytes, typeBytes, spaceBytes] = [data.u16(), data.u16(), data.u16()];
  if (version === 3) data.skip(1);
  // The first version fills each part up to a multiple of 8.
  const part = (length: number): Cursor => {
    const found = data.take(length);
    if (version === 1) data.skip(Math.min(data.left, (8 - (length % 8)) % 8));
    return found;
  };
  if (part(nameBytes).text() !== wanted) return null;
  if (version > 1 && (flags & 3) !== 0) throw unknown('shared datatypes');
  const type = readDatatype(part(typeBytes));
  const shape = readDataspace(part(spaceBytes), sizes.length);
  const count = shape.reduce((product, length) => product * length, 1);
  if (type.kind !== 'text' && type.kind !== 'heap-text') return { texts: [] };
  if (count > MAX_TEXTS) throw damaged(`its attribute "${wanted}" has ${count} texts`);
  const heap = new GlobalHeap(pages, sizes);
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const value = data.take(type.size);
    texts.push(type.kind === 'text' ? value.text().trimEnd() : await heap.text(value));
  }
  return { texts };
}

class GlobalHeap {
  readonly #pages: Pages;
  readonly #sizes: Sizes;
  readonly #collections = new Map<number, ReadonlyMap<number, Cursor>>();
  #bytes = 0;

  constructor(pages: Pages, sizes: Sizes) {
    this.#pages = pages;
    this.#sizes = sizes;
  }

  /** The text that a reference (length, collection, index) stands for. */
  async text(reference: Cursor): Promise<string> {
    const length = reference.u32();
    const address = reference.address(this.#sizes.offset);
    const index = reference.u32();
    if (length === 0 || address === null || address === 0) return '';
    this.#bytes += length;
    if (this.#bytes > MAX_TEXT_BYTES) throw damaged('a text in it is far too long');
    const object = (await this.#collection(address)).get(index);
    if (object === undefined || object.left < length) throw damaged('a text in it is lost');
    const text = object.take(length).text();
    object.at = 0;
    return text;
  }

  async #collection(address: number): Promise<ReadonlyMap<number, Cursor>> {
    const known = this.#collections.get(address);
    if (known !== undefined) return known;
    const head = await this.#pages.read(address, 8 + this.#sizes.length);
    head.signature('GCOL');
    const size = head.skip(4).unsigned(this.#sizes.length);
    const begin = 8 + this.#sizes.length;
    if (size < begin || size > MAX_TEXT_BYTES) throw damaged('the texts in it are lost');
    const content = await this.#pages.read(address + begin, size - begin);
    const objects = new Map<number, Cursor>();
    while (content.left >= 8 + this.#sizes.length) {
      const index = content.u16();
      const length = content.skip(6).unsigned(this.#sizes.length);
      if (index === 0) break; // Free space, which comes last.
      objects.set(index, content.take(length));
      content.skip(Math.min(content.left, (8 - (length % 8)) % 8));
    }
    this.#collections.set(address, objects);
    return objects;
  }
}
