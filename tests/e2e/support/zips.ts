// Zip files as people and enemies make them, written through the helper of the unit tests.
import { makeZip, type ZipEntry } from '../../unit/data/zip';
import type { NamedFile } from './pictures';

export async function zipOf(files: readonly NamedFile[], more: readonly ZipEntry[] = []): Promise<Buffer> {
  const entries = files.map(({ path, bytes }) => ({ name: path, content: bytes }));
  return Buffer.from(await makeZip([...entries, ...more]).arrayBuffer());
}

/** A name that would be written outside of the folder that the zip is unpacked in. */
export const outsideEntry: ZipEntry = { name: '../../outside/evil.png', content: 'x' };

/** Bit 0 of the flags: the content needs a password. */
export const encryptedEntry: ZipEntry = { name: 'blue/secret.png', content: 'x'.repeat(40), flags: 0x801 };

/** Deflate's own limit is 1,032:1; zeros reach it. */
export const bombEntry: ZipEntry = { name: 'blue/bomb.bmp', content: new Uint8Array(20_000_000) };
