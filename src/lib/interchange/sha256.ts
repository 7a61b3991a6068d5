// Content hashes of files that travel together.

import type { Bytes } from './bytes';

/** Hex. Browsers have the digest on secure origins alone, which is where the page runs. */
export async function sha256(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
