// Reads the part of HDF5 that Keras and h5py write by default: superblocks of every version, groups of the old kind and compact ones
// of the new, attributes, and datasets in one piece or in chunks. Written from the HDF5 File Format Specification 3.0.
// Every step is counted and every address held to the length of the file, so that no damage can keep the reader busy; what it does
// not know is left to the HDF5 library, see library.ts.

import { readAttribute, type Attribute } from './attribute';
import { readDataset, type Dataset } from './dataset';
import { localHeapName, readSymbols } from './group';
import { readMessages, type Message } from './header';
import { Pages } from './pages';
import { damaged, unknown } from './problem';

/** Sizes that the superblock sets for the whole file. */
export interface Sizes {
  offset: number;
  length: number;
}

const ATTRIBUTE = 0x0c;
const SYMBOL_TABLE = 0x11;
const LINK = 0x06;
const LINK_INFO = 0x02;
const ATTRIBUTE_INFO = 0x15;
const LAYOUT = 0x08;
/** More entries than any model has layers. */
const MAX_LINKS = 200_000;

/** The root group. Throws Hdf5Problem, as everything here does. */
export async function openHdf5(blob: Blob): Promise<Hdf5Object> {
  const pages = new Pages(blob);
  const start = (await pages.readUpTo(0, 128)).skip(8);
  const version = start.u8();
  if (version > 3) throw unknown(`superblocks of version ${version}`);
  if (version < 2) start.skip(4);
  const sizes = { offset: start.u8(), length: start.u8() };
  if (![4, 8].includes(sizes.offset) || ![4, 8].includes(sizes.length)) {
    throw damaged(`its addresses have ${sizes.offset} bytes`);
  }
  start.skip(version < 2 ? (version === 0 ? 9 : 13) : 1);
  if (start.address(sizes.offset) !== 0) throw unknown('a prefix before the data');
  // Free space or extension, and the end of the file; in old files the driver and the root's name as well.
  start.skip((version < 2 ? 4 : 2) * sizes.offset);
  const root = start.address(sizes.offset);
  if (root === null) throw damaged('it has no root');
  return new Hdf5Object(pages, sizes, root);
}

/** A group or a dataset, whoever reads it. */
export interface Hdf5Node {
  /** Identifies the object within the file: two paths may lead to one. */
  readonly address: number | string;
  /** The object under a path of names, null where there is none. */
  get(path: string): Promise<Hdf5Node | null>;
  /** Its members, by name; nothing for a dataset. */
  children(): Promise<ReadonlyMap<string, Hdf5Node>>;
  attribute(name: string): Promise<Attribute | null>;
  /** Null for a group. */
  dataset(): Promise<Dataset | null>;
}

/** A group or a dataset. */
export class Hdf5Object implements Hdf5Node {
  readonly #pages: Pages;
  readonly #sizes: Sizes;
  readonly #address: number;
  #messages: Promise<readonly Message[]> | null = null;
  #links: Promise<ReadonlyMap<string, number>> | null = null;

  constructor(pages: Pages, sizes: Sizes, address: number) {
    this.#pages = pages;
    this.#sizes = sizes;
    this.#address = address;
  }

  get address(): number {
    return this.#address;
  }

  async get(path: string): Promise<Hdf5Object | null> {
    let found: Hdf5Object | null = this.#child(this.#address);
    for (const name of path.split('/').filter((part) => part !== '')) {
      const address: number | undefined = (await found.links()).get(name);
      if (address === undefined) return null;
      found = this.#child(address);
    }
    return found;
  }

  /** Names and addresses of what a group holds; nothing for a dataset. Links to other files are left out. */
  links(): Promise<ReadonlyMap<string, number>> {
    this.#links ??= this.#readLinks();
    return this.#links;
  }

  async children(): Promise<ReadonlyMap<string, Hdf5Object>> {
    return new Map([...(await this.links())].map(([name, address]) => [name, this.#child(address)]));
  }

  async attribute(name: string): Promise<Attribute | null> {
    const messages = await this.#read();
    for (const { type, data, shared } of messages) {
      if (type !== ATTRIBUTE || shared) continue;
      const found = await readAttribute(data.take(data.left), name, this.#sizes, this.#pages);
      data.at = 0;
      if (found !== null) return found;
    }
    const info = messages.find(({ type }) => type === ATTRIBUTE_INFO);
    if (info !== undefined && !this.#compact(info, 2)) throw unknown('attributes in a heap of their own');
    return null;
  }

  async dataset(): Promise<Dataset | null> {
    const messages = await this.#read();
    if (!messages.some(({ type }) => type === LAYOUT)) return null;
    return readDataset(messages, this.#sizes, this.#pages);
  }

  #child(address: number): Hdf5Object {
    return address === this.#address ? this : new Hdf5Object(this.#pages, this.#sizes, address);
  }

  #read(): Promise<readonly Message[]> {
    this.#messages ??= readMessages(this.#pages, this.#address, this.#sizes);
    return this.#messages;
  }

  async #readLinks(): Promise<ReadonlyMap<string, number>> {
    const messages = await this.#read();
    const links = new Map<string, number>();
    for (const { type, data } of messages) {
      if (type === SYMBOL_TABLE) {
        const [tree, heap] = [data.address(this.#sizes.offset), data.address(this.#sizes.offset)];
        data.at = 0;
        if (tree === null || heap === null) continue;
        const name = await localHeapName(this.#pages, heap, this.#sizes);
        for (const symbol of await readSymbols(this.#pages, tree, this.#sizes))
          links.set(name(symbol.name), symbol.header);
      }
      if (type === LINK) {
        const link = this.#link(data.take(data.left));
        data.at = 0;
        if (link !== null) links.set(link.name, link.address);
      }
      if (links.size > MAX_LINKS) throw damaged(`a group of it has over ${MAX_LINKS} members`);
    }
    const info = messages.find(({ type }) => type === LINK_INFO);
    if (info !== undefined && !this.#compact(info, 8)) throw unknown('groups of the new kind');
    return links;
  }

  /** Whether everything is in the header itself, not in a heap. */
  #compact({ data }: Message, indexBytes: number): boolean {
    const flags = data.skip(1).u8();
    if ((flags & 1) === 1) data.skip(indexBytes);
    const heap = data.address(this.#sizes.offset);
    data.at = 0;
    return heap === null;
  }

  /** A hard link of a new group; null for others. */
  #link(data: Message['data']): { name: string; address: number } | null {
    const flags = data.skip(1).u8();
    const kind = (flags & 8) === 0 ? 0 : data.u8();
    if ((flags & 4) !== 0) data.skip(8);
    if ((flags & 16) !== 0) data.skip(1);
    const name = data.take(data.unsigned(2 ** (flags & 3))).text();
    const address = kind === 0 ? data.address(this.#sizes.offset) : null;
    return address === null ? null : { name, address };
  }
}
