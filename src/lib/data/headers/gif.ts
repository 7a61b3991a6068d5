// GIF: size of the logical screen; complete when the first frame is, since only that one is used.

import { TRUNCATED, view, type Header } from './header';

const EXTENSION = 0x21;
const IMAGE = 0x2c;

export function readGif(bytes: Uint8Array): Header | null {
  if (bytes.length < 13) return null;
  const data = view(bytes);
  const header = { width: data.getUint16(6, true), height: data.getUint16(8, true), orientation: 1 };
  let position = 13 + colourTable(bytes[10]);
  while (position < bytes.length) {
    if (bytes[position] === EXTENSION) {
      position = afterBlocks(bytes, position + 2);
    } else if (bytes[position] === IMAGE) {
      if (position + 10 > bytes.length) break;
      const end = afterBlocks(bytes, position + 11 + colourTable(bytes[position + 9]));
      return { ...header, damage: end > bytes.length ? TRUNCATED : null };
    } else {
      return { ...header, damage: 'it holds no frame' };
    }
  }
  return { ...header, damage: TRUNCATED };
}

/** Bytes of the colour table that these flags announce. */
function colourTable(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** Position after a chain of sub-blocks; beyond the end where the chain is cut off. */
function afterBlocks(bytes: Uint8Array, start: number): number {
  let position = start;
  while (position < bytes.length && bytes[position] !== 0) position += 1 + bytes[position];
  return position < bytes.length ? position + 1 : bytes.length + 1;
}
