// BMP: size from the bitmap header, completeness from the length of uncompressed rows.

import { TRUNCATED, view, type Header } from './header';

const CORE_HEADER = 12;
const UNCOMPRESSED = 0;

export function readBmp(bytes: Uint8Array): Header | null {
  if (bytes.length < 26) return null;
  const data = view(bytes);
  const core = data.getUint32(14, true) === CORE_HEADER;
  if (!core && bytes.length < 34) return null;
  // A negative height means rows from the top.
  const width = core ? data.getUint16(18, true) : data.getInt32(18, true);
  const height = core ? data.getUint16(20, true) : Math.abs(data.getInt32(22, true));
  const bits = data.getUint16(core ? 24 : 28, true);
  const compression = core ? UNCOMPRESSED : data.getUint32(30, true);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const needed = data.getUint32(10, true) + rowBytes * height;
  const truncated = compression === UNCOMPRESSED && needed > bytes.length;
  return { width, height, orientation: 1, damage: truncated ? TRUNCATED : null };
}
