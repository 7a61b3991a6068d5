// PNG: size from IHDR, completeness from the chain of chunks to IEND. Checksums are left to the decoder.

import { TRUNCATED, ascii, view, type Header } from './header';

export function readPng(bytes: Uint8Array): Header | null {
  if (bytes.length < 24) return null;
  const data = view(bytes);
  const header = { width: data.getUint32(16), height: data.getUint32(20), orientation: 1 };
  if (ascii(bytes, 12, 4) !== 'IHDR') return { ...header, damage: 'its first chunk is not the header' };
  let position = 8;
  let pixels = false;
  while (position + 12 <= bytes.length) {
    const type = ascii(bytes, position + 4, 4);
    if (type === 'IEND') return { ...header, damage: pixels ? null : 'it holds no pixels' };
    if (type === 'IDAT') pixels = true;
    position += 12 + data.getUint32(position);
  }
  return { ...header, damage: TRUNCATED };
}
