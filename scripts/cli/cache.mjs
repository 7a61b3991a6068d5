// The folder in which downloads and features outlive a command, and its lock. Knows nothing of what the browser writes there.
import { lstat, mkdir, mkdtemp, open, readFile, readdir, readlink, rm, stat } from 'node:fs/promises';
import { homedir, hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from './arguments.mjs';

/**
 * @typedef {object} Profile
 * @property {string} folder For Chromium.
 * @property {boolean} kept False: it goes with the command.
 * @property {() => Promise<void>} release After the browser has ended.
 */

/** Chromium's own lock, of which it believes that another computer holds it when the computer's name has changed. */
const SINGLETONS = ['SingletonLock', 'SingletonSocket', 'SingletonCookie'];

const WRITTEN_WITHIN_MS = 5_000;
const BROWSER_ENDS_WITHIN_MS = 15_000;

/**
 * Where the cache is; null for none. --cache comes first, then TRAINYARD_CACHE ('off' for none), then the system's place for caches.
 * @param {Record<string, string>} flags
 * @param {{ env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform, home?: string }} [system]
 */
export function cacheFolder(flags, { env = process.env, platform = process.platform, home = homedir() } = {}) {
  if (flags['no-cache'] !== undefined) return null;
  const asked = flags.cache ?? env.TRAINYARD_CACHE;
  if (flags.cache === undefined && asked === 'off') return null;
  if (asked) return resolve(asked);
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'trainyard');
  return join(env.XDG_CACHE_HOME || join(home, '.cache'), 'trainyard');
}

/**
 * The profile in a cache; where another command has it, or it cannot be written, the reason.
 * @param {string} cache
 * @returns {Promise<Profile | string>}
 */
export async function keptProfile(cache) {
  const folder = join(cache, 'profile');
  try {
    await mkdir(folder, { recursive: true });
    const release = await lock(cache);
    if (release === null) return `another command is using the cache ${cache}`;
    try {
      await forgetOtherComputer(folder);
      await otherBrowserEnds(folder);
      return { folder, kept: true, release };
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the cache ${cache} cannot be used (${reason})`;
  }
}

/** @returns {Promise<Profile>} */
export async function temporaryProfile() {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-'));
  // Chromium's helpers may hold files for a moment after it has gone.
  const release = () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  return { folder, kept: false, release };
}

/**
 * Deletes what the cache holds; true when there was anything. Nothing else that may lie in the folder is touched.
 * @param {string} cache
 */
export async function clearCache(cache) {
  const folder = join(cache, 'profile');
  if ((await stat(folder).catch(() => null)) === null) return false;
  const release = await lock(cache);
  if (release === null) throw new UsageError(`Another command is using the cache ${cache}. Wait for its end.`);
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  } finally {
    await release();
  }
  return true;
}

/** Bytes on the disk below a folder. @param {string} folder @returns {Promise<number>} */
export async function sizeOf(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sizeOf(path);
      return (await lstat(path).catch(() => null))?.size ?? 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Two browsers in one profile would damage it. Null when a living process holds the lock.
 * @param {string} cache
 * @returns {Promise<(() => Promise<void>) | null>}
 */
async function lock(cache) {
  const path = join(cache, 'lock');
  // Twice: the first attempt may find the lock of a process that was ended by force.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    const numbered = Number.isInteger(holder) && holder > 0;
    if (numbered ? isAlive(holder) : await isFresh(path)) return null;
    await rm(path, { force: true });
  }
  return null;
}

/** A lock without a number is being written at this moment, unless it has been so for long. @param {string} path */
async function isFresh(path) {
  const written = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  return Date.now() - written < WRITTEN_WITHIN_MS;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, but belongs to somebody else.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * The browser of a command that was ended by force ends by itself a moment later; two in one profile would damage it.
 * @param {string} folder
 */
async function otherBrowserEnds(folder) {
  const holder = Number(/-(\d+)$/.exec(await readlink(join(folder, SINGLETONS[0])).catch(() => ''))?.[1]);
  if (!(holder > 0)) return;
  for (const until = Date.now() + BROWSER_ENDS_WITHIN_MS; await runsProfile(holder, folder);) {
    if (Date.now() > until) throw new Error(`a browser, process ${holder}, still has it open`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whether the process is a browser of this profile, and not another one that got its number. @param {number} pid @param {string} folder */
async function runsProfile(pid, folder) {
  if (!isAlive(pid)) return false;
  // A process that has ended and was not yet noticed by its parent has no command line. Without /proc, Chromium itself decides.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return line.includes(folder);
}

/** A container that was made anew has another name and the same folder. @param {string} folder */
async function forgetOtherComputer(folder) {
  const holder = await readlink(join(folder, SINGLETONS[0])).catch(() => null);
  if (holder === null || holder.replace(/-\d+$/, '') === hostname()) return;
  await Promise.all(SINGLETONS.map((name) => rm(join(folder, name), { force: true })));
}
