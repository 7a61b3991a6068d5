// WebP: size from the first chunk (lossy, lossless or extended), completeness from the RIFF length.

import { TRUNCATED, ascii, view, type Header } from './header';

export function readWebp(bytes: Uint8Array): Header | null {
  if (bytes.length < 30) return null;
  const data = view(bytes);
  const damage = data.getUint32(4, true) + 8 > bytes.length ? TRUNCATED : null;
  const size = readSize(bytes, data);
  return size === null
    ? { width: 0, height: 0, orientation: 1, damage: 'its first chunk is unknown' }
    : { ...size, orientation: 1, damage };
}

function readSize(bytes: Uint8Array, data: DataView): { width: number; height: number } | null {
  switch (ascii(bytes, 12, 4)) {
    case 'VP8 ':
      return { width: data.getUint16(26, true) & 0x3fff, height: data.getUint16(28, true) & 0x3fff };
    case 'VP8L': {
      const bits = data.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { width: uint24(bytes, 24) + 1, height: uint24(bytes, 27) + 1 };
    default:
      return null;
  }
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}
