// Datasets: numbers in one piece, inside the header, or in chunks that may be packed. Values are read when they are asked for.

import { unzlibSync } from 'fflate';
import { readBytes } from '../../bytes';
import type { Sizes } from './file';
import { readTree } from './group';
import type { Message } from './header';
import type { Cursor, Pages } from './pages';
import { damaged, unknown } from './problem';
import { readDataspace, readDatatype } from './types';
import type { Datatype } from './types';

export interface Dataset {
  type: Datatype;
  shape: readonly number[];
  /** All values as little-endian bytes. `blob` is the whole file. */
  bytes(blob: Blob): Promise<Uint8Array<ArrayBuffer>>;
}

const DATASPACE = 0x01;
const DATATYPE = 0x03;
const LAYOUT = 0x08;
const FILTERS = 0x0b;

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER = 3;

const CHUNK_NODE = 1;
const MAX_CHUNKS = 100_000;
/** Deflate packs no tighter. */
const MAX_RATIO = 1032;
/** What no byte of the file stands for (never written: zeros) may not take more. */
const MAX_UNWRITTEN_BYTES = 1e6;

interface Chunk {
  address: number;
  size: number;
  /** Filters that this chunk went without. */
  mask: number;
  offsets: readonly number[];
}

export async function readDataset(messages: readonly Message[], sizes: Sizes, pages: Pages): Promise<Dataset> {
  const of = (wanted: number): Cursor | null => {
    const found = messages.find(({ type }) => type === wanted);
    if (found?.shared === true) throw unknown('shared datatypes');
    if (found !== undefined) found.data.at = 0;
    return found?.data ?? null;
  };
  const [space, kind, layout, filters] = [of(DATASPACE), of(DATATYPE), of(LAYOUT), of(FILTERS)];
  if (space === null || kind === null || layout === null) throw damaged('a tensor of it is incomplete');
  const shape = readDataspace(space, sizes.length);
  const type = readDatatype(kind);
  const total = shape.reduce((product, length) => product * length, 1) * type.size;
  const stored = await readLayout(layout, { shape, type, total }, filters === null ? [] : readFilters(filters), sizes, pages); // prettier-ignore
  const swaps = type.kind === 'number' && type.bigEndian && type.size > 1;
  return { type, shape, bytes: async (blob) => (swaps ? swapped(await stored(blob), type.size) : stored(blob)) };
}

interface Extent {
  shape: readonly number[];
  type: Datatype;
  /** Bytes of all values. */
  total: number;
}

type ReadStored = (blob: Blob) => Promise<Uint8Array<ArrayBuffer>>;

async function readLayout(
  layout: Cursor,
  extent: Extent,
  filters: readonly Filter[],
  sizes: Sizes,
  pages: Pages,
): Promise<ReadStored> {
  const { total } = extent;
  const version = layout.u8();
  if (version >= 3) {
    const kind = layout.u8();
    if (kind === 0) return compact(layout.take(layout.u16()), total);
    if (kind === 1) return contiguous(layout.address(sizes.offset), total, pages.size);
    if (kind !== 2 || version > 3) throw unknown('chunks of the new kind');
    const rank = layout.u8();
    const tree = layout.address(sizes.offset);
    return chunked(tree, readChunkShape(layout, rank), extent, filters, sizes, pages);
  }
  if (version === 0) throw damaged('a tensor of it lies nowhere');
  const [rank, kind] = [layout.u8(), layout.u8()];
  const address = kind === 0 ? null : layout.skip(5).address(sizes.offset);
  if (kind === 1) return contiguous(address, total, pages.size);
  if (kind === 2) return chunked(address, readChunkShape(layout, rank), extent, filters, sizes, pages);
  if (kind !== 0) throw unknown(`storage of kind ${kind}`);
  return compact(layout.skip(5 + 4 * rank).take(layout.u32()), total);
}

/** The last length is that of a value in bytes. */
function readChunkShape(layout: Cursor, rank: number): readonly number[] {
  const lengths = Array.from({ length: rank }, () => layout.u32());
  if (lengths.length < 1 || lengths.some((length) => length < 1)) throw damaged('a tensor of it has no chunks');
  return lengths.slice(0, -1);
}

function compact(data: Cursor, total: number): ReadStored {
  if (data.left < total) throw damaged('a tensor of it is incomplete');
  return () => Promise.resolve(data.bytes.slice(0, total));
}

function contiguous(address: number | null, total: number, fileSize: number): ReadStored {
  if (address === null || total === 0) return unwritten(total);
  if (address + total > fileSize)
    throw damaged(`a tensor of it ends at byte ${address + total}, the file at ${fileSize}`);
  return (blob) => readBytes(blob.slice(address, address + total));
}

function unwritten(total: number): ReadStored {
  if (total > MAX_UNWRITTEN_BYTES) throw damaged('a tensor of it was never written');
  return () => Promise.resolve(new Uint8Array(total));
}

async function chunked(
  tree: number | null,
  chunk: readonly number[],
  extent: Extent,
  filters: readonly Filter[],
  sizes: Sizes,
  pages: Pages,
): Promise<ReadStored> {
  const { shape, type, total } = extent;
  if (chunk.length !== shape.length) throw damaged('the chunks of a tensor of it have other axes');
  if (tree === null) return unwritten(total);
  const chunkBytes = chunk.reduce((product, length) => product * length, 1) * type.size;
  const bound = MAX_RATIO * pages.size;
  if (chunkBytes > bound || total > bound) throw damaged('a tensor of it is larger than the file could hold');
  const chunks: Chunk[] = [];
  await readTree(pages, tree, CHUNK_NODE, 8 + 8 * (shape.length + 1), sizes, (key, address) => {
    const [size, mask] = [key.u32(), key.u32()];
    const offsets = shape.map(() => key.unsigned(8));
    if (address + size > pages.size || chunks.length >= MAX_CHUNKS) throw damaged('a chunk lies beyond its end');
    // Unpacked, the chunks may not be more than what their tensor and its rim take.
    if ((chunks.length + 1) * chunkBytes > bound) throw damaged('a tensor of it has far too many chunks');
    chunks.push({ address, size, mask, offsets });
  });
  return async (blob) => {
    const values = new Uint8Array(total);
    for (const { address, size, mask, offsets } of chunks) {
      const packed = await readBytes(blob.slice(address, address + size));
      place(values, shape, unpack(packed, filters, mask, chunkBytes, type.size), chunk, offsets, type.size);
    }
    return values;
  };
}

/** Copies the part of a chunk that lies within the tensor, row by row of the last axis. */
function place(
  values: Uint8Array,
  shape: readonly number[],
  content: Uint8Array,
  chunk: readonly number[],
  offsets: readonly number[],
  size: number,
): void {
  if (shape.length === 0) {
    values.set(content.subarray(0, size));
    return;
  }
  if (offsets.some((offset, axis) => offset >= shape[axis])) return;
  const last = shape.length - 1;
  const row = Math.min(chunk[last], shape[last] - offsets[last]) * size;
  const lengths = chunk.slice(0, -1).map((length, axis) => Math.min(length, shape[axis] - offsets[axis]));
  const index = lengths.map(() => 0);
  for (;;) {
    let [from, to] = [0, 0];
    for (let axis = 0; axis < last; axis++) {
      from = from * chunk[axis] + index[axis];
      to = to * shape[axis] + offsets[axis] + index[axis];
    }
    const begin = from * chunk[last] * size;
    values.set(content.subarray(begin, begin + row), (to * shape[last] + offsets[last]) * size);
    let axis = last - 1;
    while (axis >= 0 && ++index[axis] === lengths[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

interface Filter {
  id: number;
}

function readFilters(data: Cursor): Filter[] {
  const [version, count] = [data.u8(), data.u8()];
  if (version === 1) data.skip(6);
  else if (version !== 2) throw unknown(`filters of version ${version}`);
  return Array.from({ length: count }, () => {
    const id = data.u16();
    const named = version === 1 || id >= 256;
    const nameBytes = named ? data.u16() : 0;
    const values = data.skip(2).u16();
    data.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    data.skip(4 * values + (version === 1 && values % 2 === 1 ? 4 : 0));
    if (![DEFLATE, SHUFFLE, FLETCHER].includes(id)) throw unknown(`the filter ${id}`);
    return { id };
  });
}

/** Undoes the filters, the last one first. */
function unpack(
  packed: Uint8Array<ArrayBuffer>,
  filters: readonly Filter[],
  mask: number,
  chunkBytes: number,
  size: number,
): Uint8Array {
  let content: Uint8Array<ArrayBuffer> = packed;
  for (let at = filters.length - 1; at >= 0; at--) {
    if ((mask & (1 << at)) !== 0) continue;
    const { id } = filters[at];
    if (id === FLETCHER) content = content.subarray(0, Math.max(0, content.length - 4));
    else if (id === DEFLATE) content = inflated(content, chunkBytes);
    else content = unshuffled(content, size);
  }
  if (content.length < chunkBytes) throw damaged('a chunk of it is incomplete');
  return content;
}

function inflated(packed: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  try {
    return unzlibSync(packed, { out: new Uint8Array(length) });
  } catch {
    throw damaged('a chunk of it cannot be unpacked');
  }
}

/** Shuffled: all first bytes of the values, then all second ones. */
function unshuffled(content: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const count = Math.floor(content.length / size);
  const result = new Uint8Array(content.length);
  for (let byte = 0; byte < size; byte++) {
    for (let value = 0; value < count; value++) result[value * size + byte] = content[byte * count + value];
  }
  result.set(content.subarray(count * size), count * size);
  return result;
}

function swapped(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) result[at] = bytes[at - (at % size) + (size - 1 - (at % size))];
  return result;
}
