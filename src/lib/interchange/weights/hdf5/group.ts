// Groups of the old kind: a B-tree of symbols, whose names are in a heap.

import type { Sizes } from './file';
import type { Cursor, Pages } from './pages';
import { damaged } from './problem';

interface HdfSymbol {
  /** Place of its name in the heap. */
  name: number;
  header: number;
}

const GROUP_NODE = 0;
const SYMBOLIC_LINK = 2;
const MAX_HEAP_BYTES = 32e6;

/** Visits the leaves of a version 1 B-tree: the addresses that its lowest level points to, with the keys before them. */
export async function readTree(
  pages: Pages,
  root: number,
  kind: number,
  keyBytes: number,
  { offset }: Sizes,
  visit: (key: Cursor, child: number) => void | Promise<void>,
): Promise<void> {
  const seen = new Set<number>();
  const descend = async (address: number, above: number): Promise<void> => {
    if (seen.has(address)) throw damaged('its index runs in circles');
    seen.add(address);
    const node = await pages.read(address, 8 + 2 * offset);
    node.signature('TREE');
    const [type, level, count] = [node.u8(), node.u8(), node.u16()];
    // Every level is one below the one before, so that this ends.
    if (type !== kind || level >= above) throw damaged('its index is out of order');
    const entries = await pages.read(address + 8 + 2 * offset, count * (keyBytes + offset));
    for (let index = 0; index < count; index++) {
      const key = entries.take(keyBytes);
      const child = entries.address(offset);
      if (child === null) throw damaged('its index has a hole');
      if (level === 0) await visit(key, child);
      else await descend(child, level);
    }
  };
  await descend(root, 256);
}

export async function readSymbols(pages: Pages, tree: number, sizes: Sizes): Promise<HdfSymbol[]> {
  const symbols: HdfSymbol[] = [];
  const entryBytes = 2 * sizes.offset + 24;
  await readTree(pages, tree, GROUP_NODE, sizes.length, sizes, async (_, child) => {
    const head = await pages.read(child, 8);
    head.signature('SNOD');
    const count = head.skip(2).u16();
    const node = await pages.read(child + 8, count * entryBytes);
    for (let index = 0; index < count; index++) {
      const entry = node.take(entryBytes);
      const name = entry.unsigned(sizes.offset);
      const header = entry.address(sizes.offset);
      if (header !== null && entry.u32() !== SYMBOLIC_LINK) symbols.push({ name, header });
    }
  });
  return symbols;
}

/** Reads names out of a local heap. */
export async function localHeapName(pages: Pages, address: number, sizes: Sizes): Promise<(at: number) => string> {
  const head = await pages.read(address, 8 + 2 * sizes.length + sizes.offset);
  head.signature('HEAP');
  const length = head.skip(4).unsigned(sizes.length);
  const data = head.skip(sizes.length).address(sizes.offset);
  if (data === null || length > MAX_HEAP_BYTES) throw damaged('the names in it are lost');
  const { bytes } = await pages.read(data, length);
  return (at) => {
    const end = at < bytes.length ? bytes.indexOf(0, at) : -1;
    if (end < 0) throw damaged('a name in it is lost');
    return new TextDecoder().decode(bytes.subarray(at, end));
  };
}
