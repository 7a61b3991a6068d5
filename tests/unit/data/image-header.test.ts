// What a file is and how large, from its bytes: every format, every way of being broken.

import { describe, expect, test } from 'vitest';
import { exifOrientation } from '$lib/data/headers/exif';
import { readImageHeader } from '$lib/data/image-header';
import { encodePng } from '$lib/data/png';
import { imageFixture, imageFixtureNames } from './fixture';
import { bytesOf } from './zip';

function reasonOf(bytes: Uint8Array): string {
  const result = readImageHeader(bytes);
  return result.ok ? 'it was read' : result.reason;
}

/** A whole PNG, its IHDR saying another size. */
function pngOf(width: number, height: number): Uint8Array<ArrayBuffer> {
  const png = encodePng({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) });
  new DataView(png.buffer).setUint32(16, width);
  new DataView(png.buffer).setUint32(20, height);
  return png;
}

describe.each(imageFixtureNames())('%s', (name) => {
  const bytes = imageFixture(name);
  const extension = name.slice(name.indexOf('.') + 1).replace('jpg', 'jpeg');

  test('is recognised by its content, with the size it is shown at', () => {
    const [width, height] = name === 'orientation-6.jpg' ? [16, 24] : [24, 16];
    const header = { type: extension, mime: `image/${extension}`, width, height };
    expect(readImageHeader(bytes)).toEqual({ ok: true, header });
  });

  test('is refused wherever it is cut off', () => {
    // A GIF's second frame may be missing: only the first is used. A PNG may lack IEND's own checksum, a BMP its padding.
    const needed = name === 'frames.gif' ? bytes.length / 2 - 20 : bytes.length - 12;
    const accepted = Array.from({ length: needed }, (_, length) => length).filter(
      (length) => readImageHeader(bytes.subarray(0, length)).ok,
    );
    expect(accepted).toEqual([]);
    expect(reasonOf(bytes.subarray(0, Math.floor(bytes.length / 3)))).toContain('truncated');
  });

  test('never throws, whichever bytes are damaged', () => {
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 0xff]) {
        const damaged = bytes.slice();
        damaged[i] = value;
        readImageHeader(damaged);
      }
    }
  });
});

describe('limits', () => {
  test('20,000 x 20,000 pixels are refused before anything is decoded', () => {
    expect(reasonOf(pngOf(20_000, 20_000))).toBe(
      '20,000 x 20,000 pixels is over the limit of 100 megapixels; scale it down',
    );
    // The header alone, as a test of memory would send it.
    expect(reasonOf(pngOf(20_000, 20_000).subarray(0, 33))).toContain('100 megapixels');
  });

  test('a side of more than 16,384 pixels is refused', () => {
    expect(reasonOf(pngOf(16_385, 2))).toContain('16,384 pixels a side');
    expect(readImageHeader(pngOf(16_384, 2)).ok).toBe(true);
    expect(readImageHeader(pngOf(10_000, 10_000)).ok).toBe(true);
  });

  test('no pixels are refused', () => {
    expect(reasonOf(pngOf(0, 5))).toBe('it says that it has 0 x 5 pixels');
  });
});

describe('what is no image for a browser', () => {
  test.each([
    ['an empty file', new Uint8Array(), 'the file is empty (0 bytes)'],
    ['text', bytesOf('Dear diary,\nthis is a café.'), 'it is a text file, not an image'],
    ['text that ends inside a character', bytesOf('é'.repeat(400)), 'it is a text file, not an image'],
    ['a web page', bytesOf('<!DOCTYPE html><html>'), 'it is a web page, not an image'],
    [
      'a drawing',
      bytesOf('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'it is an SVG drawing, which browsers do not decode; convert it to PNG or JPEG',
    ],
    ['TIFF', bytesOf('II*\0\x08\0\0\0'), 'it is a TIFF image, which browsers do not decode; convert it to PNG or JPEG'],
    [
      'HEIC',
      bytesOf('\0\0\0\x18ftypheic\0\0\0\0mif1heic'),
      'it is a HEIC image, which browsers do not decode; convert it to PNG or JPEG',
    ],
    [
      'MP4',
      bytesOf('\0\0\0\x18ftypisom\0\0\0\0isommp42'),
      'it is a video, which browsers do not decode; convert it to PNG or JPEG',
    ],
    ['a zip', bytesOf('PK\x03\x04aaaaaaaa'), 'it is a zip archive, not an image'],
    ['bytes', new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 'its content is no known kind of image'],
    [
      'a word that begins like a bitmap',
      bytesOf('BMW is a maker of cars and motorcycles.'),
      'it is a text file, not an image',
    ],
  ])('%s says what it is', (_, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason);
  });
});

describe('EXIF orientation', () => {
  /** A TIFF header and one entry, in either byte order. */
  function tiff(order: 'II' | 'MM', orientation: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(26));
    const little = order === 'II';
    view.setUint16(0, order.charCodeAt(0) * 0x101);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, 1, little);
    view.setUint16(10, 0x0112, little);
    view.setUint16(12, 3, little);
    view.setUint32(14, 1, little);
    view.setUint16(18, orientation, little);
    return new Uint8Array(view.buffer);
  }

  test.each(['II', 'MM'] as const)('is read in the order %s', (order) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      expect(exifOrientation(tiff(order, orientation))).toBe(orientation);
    }
  });

  test('is upright where it makes no sense', () => {
    expect(exifOrientation(tiff('II', 9))).toBe(1);
    expect(exifOrientation(tiff('II', 6).subarray(0, 15))).toBe(1);
    expect(exifOrientation(new Uint8Array())).toBe(1);
  });
});

test('a JPEG without its end is truncated even though decoders would show the upper part', () => {
  const bytes = imageFixture('baseline.jpg');
  expect(reasonOf(bytes.subarray(0, bytes.length - 2))).toContain('truncated');
});

test('a JPEG with bytes after its end, as some cameras write, is whole', () => {
  const bytes = imageFixture('baseline.jpg');
  expect(readImageHeader(new Uint8Array([...bytes, 0, 0, 0])).ok).toBe(true);
});
