// AVIF: size from the largest 'ispe' property (tiles and alpha have their own), rotation from 'irot', completeness from the boxes.

import { TRUNCATED, ascii, view, type Header } from './header';

interface Box {
  type: string;
  body: number;
  /** May lie beyond the file. */
  end: number;
}

/** Boxes that hold boxes, with the bytes before the first of them. */
const CONTAINERS: Readonly<Record<string, number | undefined>> = { meta: 4, iprp: 0, ipco: 0 };

export function readAvif(bytes: Uint8Array): Header | null {
  const data = view(bytes);
  let pixels = false;
  const header: Header = { width: 0, height: 0, orientation: 1, damage: null };
  const visit = (start: number, end: number): void => {
    for (const box of boxes(bytes, data, start, end)) {
      if (box.end > bytes.length) header.damage = TRUNCATED;
      if (box.type === 'mdat' || box.type === 'idat') pixels = true;
      const skip = CONTAINERS[box.type];
      if (skip !== undefined) visit(box.body + skip, Math.min(box.end, bytes.length));
      if (box.type === 'ispe' && box.body + 12 <= bytes.length) {
        const [width, height] = [data.getUint32(box.body + 4), data.getUint32(box.body + 8)];
        if (width * height > header.width * header.height) Object.assign(header, { width, height });
      }
      // A quarter turn either way swaps the sides, as EXIF's 6 does.
      if (box.type === 'irot' && box.body < bytes.length && (bytes[box.body] & 1) === 1) header.orientation = 6;
    }
  };
  visit(0, bytes.length);
  if (!pixels) header.damage = TRUNCATED;
  return header.width === 0 ? null : header;
}

function* boxes(bytes: Uint8Array, data: DataView, start: number, end: number): Generator<Box> {
  let position = start;
  while (position + 8 <= end) {
    const type = ascii(bytes, position + 4, 4);
    let size = data.getUint32(position);
    let head = 8;
    if (size === 1 && position + 16 <= end) {
      size = Number(data.getBigUint64(position + 8));
      head = 16;
    }
    if (size === 0) size = end - position;
    if (size < head) return;
    yield { type, body: position + head, end: position + size };
    position += size;
  }
}
