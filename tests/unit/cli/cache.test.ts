// Where the cache is, who may use it, and that clearing it takes nothing else.
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheFolder, clearCache, openProfile, sizeOf } from '../../../scripts/cli/cache.mjs';

let cache: string;
let notes: string[];
const note = (text: string) => void notes.push(text);

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'trainyard-cache-'));
  notes = [];
});
afterEach(() => rm(cache, { recursive: true, force: true }));

it('is the system’s folder for caches unless a flag or the environment says otherwise', () => {
  const linux = { platform: 'linux', home: '/home/a' } as const;
  expect(cacheFolder({}, { ...linux, env: {} })).toBe('/home/a/.cache/trainyard');
  expect(cacheFolder({}, { ...linux, env: { XDG_CACHE_HOME: '/x' } })).toBe('/x/trainyard');
  expect(cacheFolder({}, { ...linux, env: { TRAINYARD_CACHE: '/y' } })).toBe('/y');
  expect(cacheFolder({}, { ...linux, env: { TRAINYARD_CACHE: 'off' } })).toBeNull();
  expect(cacheFolder({ cache: '/z' }, { ...linux, env: { TRAINYARD_CACHE: 'off' } })).toBe('/z');
  expect(cacheFolder({ 'no-cache': '' }, { ...linux, env: { TRAINYARD_CACHE: '/y' } })).toBeNull();
  const windows = { platform: 'win32', home: 'C:\\a', env: { LOCALAPPDATA: 'L' } } as const;
  expect(cacheFolder({}, windows)).toBe(join('L', 'trainyard'));
});

it('is used by one command at a time; the next one gets a folder that goes with it, and is told', async () => {
  const first = await openProfile(cache, note);
  expect(first).toMatchObject({ folder: join(cache, 'profile'), kept: true });
  const second = await openProfile(cache, note);
  expect(second.kept).toBe(false);
  expect(notes).toEqual([expect.stringContaining('another command is using the cache')]);
  await second.release();
  await expect(readdir(second.folder)).rejects.toThrow('ENOENT');
  await first.release();
  const third = await openProfile(cache, note);
  expect(third.kept).toBe(true);
  await third.release();
});

it('is taken over from a process that is gone, and not from one whose lock is being written', async () => {
  await writeFile(join(cache, 'lock'), '99999999');
  const taken = await openProfile(cache, note);
  expect(taken.kept).toBe(true);
  await taken.release();
  await writeFile(join(cache, 'lock'), '');
  const left = await openProfile(cache, note);
  expect(left.kept).toBe(false);
  await left.release();
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(join(cache, 'lock'), longAgo, longAgo);
  const abandoned = await openProfile(cache, note);
  expect(abandoned.kept).toBe(true);
  await abandoned.release();
});

it('forgets a browser’s lock of another computer and keeps one of this', async () => {
  await mkdir(join(cache, 'profile'));
  const singleton = join(cache, 'profile', 'SingletonLock');
  await symlink(`${hostname()}-1`, singleton);
  await (await openProfile(cache, note)).release();
  expect(await readdir(join(cache, 'profile'))).toEqual(['SingletonLock']);
  await rm(singleton);
  await symlink('elsewhere-1', singleton);
  await (await openProfile(cache, note)).release();
  expect(await readdir(join(cache, 'profile'))).toEqual([]);
});

it('is cleared without touching what else lies in its folder', async () => {
  expect(await clearCache(cache)).toBe(false);
  await mkdir(join(cache, 'profile/Default'), { recursive: true });
  await writeFile(join(cache, 'profile/Default/data'), 'x'.repeat(1000));
  await writeFile(join(cache, 'mine.txt'), 'kept');
  expect(await sizeOf(join(cache, 'profile'))).toBe(1000);
  expect(await clearCache(cache)).toBe(true);
  expect(await readdir(cache)).toEqual(['mine.txt']);
});
