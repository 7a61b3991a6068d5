// Thumbnails on their way from the database to the screen: read once, together, and only if somebody still looks.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoredImages } from '../../../src/lib/state/images';
import { putBlobs } from '../../../src/lib/storage/blobs';
import { openDatabase, type Database } from '../../../src/lib/storage/database';

const NAME = 'test-images';
let database: Database;
let images: StoredImages;
/** How often the database was read. */
let reads: () => number;

const LARGE = 60_000;

beforeEach(async () => {
  database = await openDatabase({ name: NAME });
  const blob = (hash: string, size: number) => ({ hash, mime: 'image/png', bytes: new Uint8Array(size).fill(7) });
  await putBlobs(database, [
    ...Array.from({ length: 100 }, (_, index) => blob(`h${index}`, 100)),
    blob('large', LARGE),
  ]);
  const transactions = vi.spyOn(database, 'transaction');
  reads = () => transactions.mock.calls.length;
  images = new StoredImages(() => Promise.resolve(database));
});

afterEach(async () => {
  database.close();
  await new Promise((resolve) => (indexedDB.deleteDatabase(NAME).onsuccess = resolve));
});

const bytesOf = async (address: string) => new Uint8Array(await (await fetch(address)).arrayBuffer());

test('an address leads to the very bytes, small or large', async () => {
  expect(await bytesOf(await images.acquire('h3'))).toEqual(new Uint8Array(100).fill(7));
  expect(await bytesOf(await images.acquire('large'))).toEqual(new Uint8Array(LARGE).fill(7));
});

test('what is asked for together is read together', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, index) => images.acquire(`h${index}`)));
  expect(reads()).toBe(1);
});

test('a picture that two show is read once and stays until both let go', async () => {
  const [one, other] = await Promise.all([images.acquire('large'), images.acquire('large')]);
  expect(one).toBe(other);
  images.release('large');
  expect(images.peek('large')).toBe(one);
  expect(await images.acquire('large')).toBe(one);
  expect(reads()).toBe(1);
});

test('what left the screen before it was read is not read', async () => {
  const passed = images.acquire('h1');
  const kept = images.acquire('h2');
  images.release('h1');
  await expect(passed).rejects.toMatchObject({ code: 'image-not-wanted' });
  await kept;
  expect(images.peek('h1')).toBeUndefined();
  // Back again, it is read like any other.
  expect(await images.acquire('h1')).toMatch(/^data:/);
});

test('what left and came back in the same moment is read', async () => {
  const first = images.acquire('h1');
  images.release('h1');
  const second = images.acquire('h1');
  expect(await first).toBe(await second);
});

test('pictures that nobody shows are given up, oldest first, when there are too many', async () => {
  const revoked = vi.spyOn(URL, 'revokeObjectURL');
  const blob = (hash: string) => ({ hash, mime: 'image/png', bytes: new Uint8Array(10) });
  await putBlobs(
    database,
    Array.from({ length: 850 }, (_, index) => blob(`many${index}`)),
  );
  const address = await images.acquire('large');
  images.release('large');
  const many = Array.from({ length: 850 }, (_, index) => `many${index}`);
  await Promise.all(many.map((hash) => images.acquire(hash)));
  for (const hash of many) images.release(hash);
  expect(images.peek('large')).toBeUndefined();
  expect(images.peek('many0')).toBeUndefined();
  expect(images.peek('many849')).toBeDefined();
  await vi.waitFor(() => expect(revoked).toHaveBeenCalledWith(address));
});

test('a picture that is gone is an error for all who ask, and can be asked for again once it is there', async () => {
  await expect(images.acquire('gone')).rejects.toMatchObject({ code: 'blob-missing' });
  images.release('gone');
  await putBlobs(database, [{ hash: 'gone', mime: 'image/png', bytes: new Uint8Array([1]) }]);
  expect(await bytesOf(await images.acquire('gone'))).toEqual(new Uint8Array([1]));
});
