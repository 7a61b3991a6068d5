// Names of archive entries: their encodings, and the ones that would leave the folder. Reads no file.

import { TrainyardError } from '$lib/core/errors';
import { crc32 } from '../crc32';

/** Code page 437 from 0x80, what the first zip tools wrote. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/**
 * The name that the bytes mean. UTF-8 where the entry says so, where it has Info-ZIP's Unicode path, and where the bytes are
 * valid UTF-8 beyond ASCII: several tools write it without saying so, and by chance CP437 text hardly ever is.
 */
export function decodeName(bytes: Uint8Array, utf8: boolean, unicodePath: Uint8Array | null): string {
  if (utf8) return new TextDecoder('utf-8').decode(bytes);
  const stated = unicodePath === null ? null : readUnicodePath(unicodePath, bytes);
  if (stated !== null) return stated;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : CP437[byte - 0x80])).join('');
  }
}

/** Extra field 0x7075: version 1, checksum of the name it belongs to, the name in UTF-8. */
function readUnicodePath(field: Uint8Array, name: Uint8Array): string | null {
  if (field.length < 5 || field[0] !== 1) return null;
  const checksum = new DataView(field.buffer, field.byteOffset).getUint32(1, true);
  return checksum === crc32(name) ? new TextDecoder('utf-8').decode(field.subarray(5)) : null;
}

/**
 * The path with '/' between its parts and without '.' parts. Throws 'archive-unsafe-name' for names that point outside of the
 * archive: no honest tool writes them.
 */
export function safePath(archive: string, name: string): string {
  const path = name.replaceAll('\\', '/');
  const parts = path.split('/');
  let fault: string | null = null;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) fault = 'an absolute path';
  else if (parts.includes('..')) fault = 'a path with ".."';
  else if (path.includes('\0')) fault = 'a path with a zero character';
  if (fault !== null) {
    throw new TrainyardError(
      'archive-unsafe-name',
      `${archive} names an entry "${name.replaceAll('\0', '\\0')}", ${fault}, which points outside of the archive; nothing of it was imported.`,
      'Do not trust this archive. If it is yours, pack the folder again.',
    );
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}
