// The PNG writer, read back by hand; browsers read it in tests/browser/data/import.test.ts.

import { unzlibSync } from 'fflate';
import { expect, test } from 'vitest';
import { crc32 } from '$lib/data/crc32';
import { readImageHeader } from '$lib/data/image-header';
import { encodePng } from '$lib/data/png';
import { bytesOf } from './zip';

test('the checksum is the one of the standard', () => {
  // The check value that the definition of CRC-32 gives for these nine digits.
  expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926);
});

test('grey and colour images have their header, their rows and right checksums', () => {
  for (const channels of [1, 3] as const) {
    const data = Uint8Array.from({ length: 3 * 2 * channels }, (_, i) => i * 7);
    const png = encodePng({ width: 3, height: 2, channels, data });
    expect(readImageHeader(png)).toMatchObject({ ok: true, header: { type: 'png', width: 3, height: 2 } });
    const view = new DataView(png.buffer);
    const types: string[] = [];
    for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
      const end = at + 8 + view.getUint32(at);
      types.push(String.fromCharCode(...png.subarray(at + 4, at + 8)));
      expect(view.getUint32(end)).toBe(crc32(png.subarray(at + 4, end)));
    }
    expect(types).toEqual(['IHDR', 'IDAT', 'IEND']);
    expect(png[25]).toBe(channels === 1 ? 0 : 2);
    const rows = unzlibSync(png.subarray(41, 41 + view.getUint32(33)));
    expect([...rows]).toEqual([0, ...data.subarray(0, 3 * channels), 0, ...data.subarray(3 * channels)]);
  }
});
