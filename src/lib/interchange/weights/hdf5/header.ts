// The header of an HDF5 object as a list of messages, both kinds of header, continuations followed.

import type { Sizes } from './file';
import type { Cursor, Pages } from './pages';
import { damaged, unknown } from './problem';

export interface Message {
  type: number;
  /** The content is in another object. */
  shared: boolean;
  /** At its beginning. */
  data: Cursor;
}

const CONTINUATION = 0x10;
const MAX_BLOCKS = 1000;
const MAX_MESSAGES = 100_000;
/** Of a single block. */
const MAX_BLOCK_BYTES = 16e6;

export async function readMessages(pages: Pages, address: number, sizes: Sizes): Promise<readonly Message[]> {
  const start = await pages.readUpTo(address, 64);
  const isNew = start.left >= 4 && String.fromCharCode(...start.bytes.subarray(0, 4)) === 'OHDR';
  return isNew ? readNew(pages, address, start, sizes) : readOld(pages, address, start, sizes);
}

interface Block {
  begin: number;
  length: number;
}

async function readOld(pages: Pages, address: number, start: Cursor, sizes: Sizes): Promise<Message[]> {
  const version = start.u8();
  if (version !== 1) throw damaged(`an object header of it has version ${version}`);
  const count = start.skip(1).u16();
  const length = start.skip(4).u32();
  const messages: Message[] = [];
  await eachBlock(pages, { begin: address + 16, length }, (block, add) => {
    while (block.left >= 8 && messages.length < count) {
      const [type, size, flags] = [block.u16(), block.u16(), block.u8()];
      put(messages, { type, shared: (flags & 2) !== 0, data: block.skip(3).take(size) }, sizes, add);
    }
  });
  return messages;
}

async function readNew(pages: Pages, address: number, start: Cursor, sizes: Sizes): Promise<Message[]> {
  const version = start.skip(4).u8();
  if (version !== 2) throw unknown(`object headers of version ${version}`);
  const flags = start.u8();
  if ((flags & 32) !== 0) start.skip(16);
  if ((flags & 16) !== 0) start.skip(4);
  const length = start.unsigned(2 ** (flags & 3));
  const ordered = (flags & 4) !== 0;
  const messages: Message[] = [];
  await eachBlock(pages, { begin: address + start.at, length }, (block, add, first) => {
    if (!first) {
      block.signature('OCHK');
      // The checksum at the end; the first block's is behind it.
      block = block.take(Math.max(0, block.left - 4));
    }
    while (block.left >= (ordered ? 6 : 4)) {
      const [type, size, bits] = [block.u8(), block.u16(), block.u8()];
      if (ordered) block.skip(2);
      put(messages, { type, shared: (bits & 2) !== 0, data: block.take(size) }, sizes, add);
    }
  });
  return messages;
}

async function eachBlock(
  pages: Pages,
  first: Block,
  visit: (block: Cursor, add: (block: Block) => void, first: boolean) => void,
): Promise<void> {
  const blocks = [first];
  const seen = new Set<number>();
  for (let index = 0; index < blocks.length; index++) {
    const { begin, length } = blocks[index];
    if (seen.has(begin) || blocks.length > MAX_BLOCKS || length > MAX_BLOCK_BYTES) {
      throw damaged('an object header of it never ends');
    }
    seen.add(begin);
    visit(await pages.read(begin, length), (block) => blocks.push(block), index === 0);
  }
}

function put(messages: Message[], message: Message, sizes: Sizes, add: (block: Block) => void): void {
  if (messages.length >= MAX_MESSAGES) throw damaged('an object header of it never ends');
  messages.push(message);
  if (message.type !== CONTINUATION) return;
  const begin = message.data.address(sizes.offset);
  if (begin === null) throw damaged('an object header of it is cut off');
  add({ begin, length: message.data.unsigned(sizes.length) });
}
