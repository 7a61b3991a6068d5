// The hash in pieces against Node's own, at every length around the block's borders.

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSha256 } from '$lib/core/sha256';

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7919 + (i >> 3)) & 255);
}

test('every length around the borders of a block has the hash that Node gives it', () => {
  for (let length = 0; length < 260; length++) {
    const hasher = createSha256();
    hasher.update(bytes(length));
    expect(hasher.digest(), `${length} bytes`).toBe(createHash('sha256').update(bytes(length)).digest('hex'));
  }
});

test('how the bytes are cut into pieces changes nothing', () => {
  const all = bytes(10_000);
  const expected = createHash('sha256').update(all).digest('hex');
  for (const size of [1, 63, 64, 65, 1000, 9_999]) {
    const hasher = createSha256();
    for (let at = 0; at < all.length; at += size) hasher.update(all.subarray(at, at + size));
    expect(hasher.digest(), `pieces of ${size}`).toBe(expected);
  }
});
