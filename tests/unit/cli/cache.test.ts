// Where the cache is, who may use it, and that clearing it takes nothing else.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheFolder, clearCache, keptProfile, sizeOf, type Profile } from '../../../scripts/cli/cache.mjs';

let cache: string;

async function profileIn(folder: string): Promise<Profile> {
  const profile = await keptProfile(folder);
  if (typeof profile === 'string') throw new Error(profile);
  return profile;
}

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'trainyard-cache-'));
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

it('is used by one command at a time; the next one is told why it cannot have it', async () => {
  const first = await profileIn(cache);
  expect(first).toMatchObject({ folder: join(cache, 'profile'), kept: true });
  expect(await keptProfile(cache)).toContain('another command is using the cache');
  await first.release();
  const third = await profileIn(cache);
  await third.release();
});

it('is taken over from a process that is gone, and not from one whose lock is being written', async () => {
  await writeFile(join(cache, 'lock'), '99999999');
  await (await profileIn(cache)).release();
  await writeFile(join(cache, 'lock'), '');
  expect(await keptProfile(cache)).toContain('another command is using the cache');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(join(cache, 'lock'), longAgo, longAgo);
  await (await profileIn(cache)).release();
});

it.runIf(process.platform === 'linux')('waits for the browser of a command that was ended by force', async () => {
  const folder = join(cache, 'profile');
  await mkdir(folder);
  // Stands for a browser: a process with the profile in its command line.
  const browser = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 700)', folder]);
  await symlink(`${hostname()}-${browser.pid}`, join(folder, 'SingletonLock'));
  const started = Date.now();
  await (await profileIn(cache)).release();
  expect(Date.now() - started).toBeGreaterThan(500);
  expect(browser.exitCode).toBe(0);
});

it('forgets a browser’s lock of another computer and keeps one of this', async () => {
  await mkdir(join(cache, 'profile'));
  const singleton = join(cache, 'profile', 'SingletonLock');
  await symlink(`${hostname()}-1`, singleton);
  await (await profileIn(cache)).release();
  expect(await readdir(join(cache, 'profile'))).toEqual(['SingletonLock']);
  await rm(singleton);
  await symlink('elsewhere-1', singleton);
  await (await profileIn(cache)).release();
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
