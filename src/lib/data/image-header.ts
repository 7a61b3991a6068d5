// What a file is (by its content, never its name) and how large the image in it would be, before anything is decoded.

import { formatCount } from '$lib/core/format';
import { readAvif } from './headers/avif';
import { readBmp } from './headers/bmp';
import { readGif } from './headers/gif';
import { TRUNCATED, ascii, type ReadHeader } from './headers/header';
import { readJpeg } from './headers/jpeg';
import { readPng } from './headers/png';
import { readWebp } from './headers/webp';

/** A decoded image takes four bytes a pixel: 400 MB at this limit. */
export const MAX_PIXELS = 100e6;
/** Browsers' canvases end here. */
export const MAX_SIDE = 16_384;

export type ImageType = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'avif';

export interface ImageHeader {
  type: ImageType;
  mime: string;
  /** After EXIF orientation. */
  width: number;
  height: number;
}

/** `reason` continues "could not be read: ". `image` is false where the content is no image of any kind. */
export type HeaderResult = { ok: true; header: ImageHeader } | { ok: false; reason: string; image: boolean };

const READERS: Readonly<Record<ImageType, ReadHeader>> = {
  jpeg: readJpeg,
  png: readPng,
  webp: readWebp,
  gif: readGif,
  bmp: readBmp,
  avif: readAvif,
};

/** Takes the whole file. Never throws, whatever the bytes are. */
export function readImageHeader(bytes: Uint8Array): HeaderResult {
  if (bytes.length === 0) return { ok: false, reason: 'the file is empty (0 bytes)', image: false };
  const type = sniffImage(bytes);
  if (type === null) return { ok: false, ...describeOther(bytes) };
  const header = READERS[type](bytes);
  if (header === null) return { ok: false, reason: TRUNCATED, image: true };
  const swapped = header.orientation >= 5;
  const width = swapped ? header.height : header.width;
  const height = swapped ? header.width : header.height;
  const reason = sizeProblem(width, height) ?? header.damage;
  if (reason !== null) return { ok: false, reason, image: true };
  return { ok: true, header: { type, mime: `image/${type}`, width, height } };
}

/** The kind of image that the first bytes announce. */
export function sniffImage(bytes: Uint8Array): ImageType | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return 'webp';
  if (/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return 'gif';
  // 'BM' alone begins many words; the four reserved bytes after the length are always zero.
  if (ascii(bytes, 0, 2) === 'BM' && ascii(bytes, 6, 4) === '\0\0\0\0') return 'bmp';
  if (ascii(bytes, 4, 4) === 'ftyp' && /avi[fs]/.test(brands(bytes))) return 'avif';
  return null;
}

function sizeProblem(width: number, height: number): string | null {
  const size = `${formatCount(width)} x ${formatCount(height)} pixels`;
  if (!(width > 0 && height > 0)) return `it says that it has ${size}`;
  if (width * height > MAX_PIXELS) return `${size} is over the limit of 100 megapixels; scale it down`;
  if (Math.max(width, height) > MAX_SIDE) {
    return `${size} is over the limit of ${formatCount(MAX_SIDE)} pixels a side; scale it down`;
  }
  return null;
}

/** Major and compatible brands of an ISO media file. */
function brands(bytes: Uint8Array): string {
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  return ascii(bytes, 8, Math.min(size, 128) - 8);
}

/** Kinds that people do have in their folders, so that the reason tells what to do. */
function describeOther(bytes: Uint8Array): { reason: string; image: boolean } {
  const convert = (kind: string) => ({
    reason: `it is ${kind}, which browsers do not decode; convert it to PNG or JPEG`,
    image: true,
  });
  const start = ascii(bytes, 0, 16);
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return convert('a TIFF image');
  if (start.slice(4, 8) === 'ftyp')
    return convert(/hei[cfsx]|mif1|msf1/.test(brands(bytes)) ? 'a HEIC image' : 'a video');
  if (start.startsWith('\xff\x0a') || start.slice(4, 8) === 'JXL ') return convert('a JPEG XL image');
  if (start.startsWith('8BPS')) return convert('a Photoshop file');
  if (start.startsWith('\0\0\x01\0')) return convert('an icon');
  if (start.startsWith('PK\x03\x04')) return { reason: 'it is a zip archive, not an image', image: false };
  if (start.startsWith('%PDF')) return { reason: 'it is a PDF, not an image', image: false };
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, 512));
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)?<svg[\s>]/i.test(text)) return convert('an SVG drawing');
  if (/^\s*<(!doctype html|html)/i.test(text)) return { reason: 'it is a web page, not an image', image: false };
  const isText = looksLikeText(text);
  return { reason: isText ? 'it is a text file, not an image' : 'its content is no known kind of image', image: false };
}

/** Control characters do not occur in text, nor does the replacement character of broken UTF-8 (except at the cut). */
function looksLikeText(text: string): boolean {
  return [...text]
    .slice(0, -3)
    .every((character) => character !== '\ufffd' && (character >= ' ' || /\s/.test(character)));
}
