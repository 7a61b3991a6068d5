// JPEG: size from the start-of-frame segment, orientation from EXIF, completeness from the end-of-image marker.

import { exifOrientation } from './exif';
import { TRUNCATED, ascii, view, type Header } from './header';

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;

export function readJpeg(bytes: Uint8Array): Header | null {
  const data = view(bytes);
  let header: Header | null = null;
  let orientation = 1;
  let position = 2;
  while (position + 2 <= bytes.length) {
    if (bytes[position] !== 0xff) return header && { ...header, orientation, damage: 'its segments are damaged' };
    const marker = bytes[position + 1];
    if (marker === 0xff) {
      position++; // Fill byte.
      continue;
    }
    if (marker === END_OF_IMAGE) {
      return header && { ...header, orientation, damage: null };
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      position += 2; // These have no length.
      continue;
    }
    if (position + 4 > bytes.length) break;
    const length = data.getUint16(position + 2);
    const body = position + 4;
    if (isFrame(marker) && body + 5 <= bytes.length) {
      header = { height: data.getUint16(body + 1), width: data.getUint16(body + 3), orientation: 1, damage: null };
    }
    if (marker === APP1 && ascii(bytes, body, 4) === 'Exif') {
      orientation = exifOrientation(bytes.subarray(body + 6, position + 2 + length));
    }
    position += 2 + length;
    if (marker === START_OF_SCAN) position = endOfScan(bytes, position);
  }
  return header && { ...header, orientation, damage: TRUNCATED };
}

/** C0 to CF without the tables (C4), the extension (C8) and arithmetic conditioning (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Position of the next marker after entropy-coded data, in which FF is followed by 00 or a restart marker. */
function endOfScan(bytes: Uint8Array, start: number): number {
  let position = bytes.indexOf(0xff, start);
  while (position >= 0 && position + 1 < bytes.length) {
    const next = bytes[position + 1];
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return position;
    position = bytes.indexOf(0xff, position + 2);
  }
  return bytes.length;
}
