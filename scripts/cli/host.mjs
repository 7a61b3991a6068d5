// Runs the built page in a headless Chromium and speaks with it. Owns the server and the browser.
import { mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from '../lib/chromium.mjs';
import { startServer } from '../server.mjs';
import { UsageError } from './arguments.mjs';
import { keptProfile, temporaryProfile } from './cache.mjs';
import { OWN_CACHE, projectsToKeep, runsIn } from './run-file.mjs';

const READY_TIMEOUT_MS = 60_000;
/** What a command leaves behind is deleted within this time, or when the next one begins. */
const TIDY_TIMEOUT_MS = 20_000;
/** The browser keeps what it stores by address; the port is another one each time. A name below localhost is as trusted as it is. */
const ORIGIN = 'http://trainyard.localhost';

/**
 * @typedef {{ code: string, message: string, hint: string, badInput: boolean, stack?: string }} PageError
 * @typedef {{ prefix: string, path: string }} Input a folder or a file; its contents appear under `prefix` in the page ('' for none)
 */

/** Something that the page reports; `data.badInput` decides the exit status. */
export class PageFailure extends Error {
  /** @param {PageError} data */
  constructor(data) {
    super([data.message, data.hint].filter(Boolean).join(' '));
    this.data = data;
  }
}

/** The browser was killed, crashed or was closed by somebody else. What the page had stored is there. */
export class BrowserEnded extends Error {}

/**
 * Opens the page's command-line screen. `onEvent` gets what the page tells while it works.
 * Close it, also after an error: it ends the browser and gives the profile back.
 * @param {object} options
 * @param {string} options.root
 * @param {string | null} [options.cache] Folder that outlives the command.
 * @param {string | null} [options.beside] Folder of results, in which what is stored outlives the command where there is no cache.
 * @param {boolean} [options.must] What is stored in the cache is needed: it is an error when that cannot be opened.
 * @param {string} [options.hub] Replaces the build's hub.
 * @param {(event: any) => void} [options.onEvent]
 * @param {(text: string) => void} [options.note]
 */
export async function openHost({
  root,
  cache = null,
  beside = null,
  must = false,
  hub,
  onEvent = () => {},
  note = () => {},
}) {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new UsageError('No Chromium was found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.');
  }
  const server = await startServer({ root, hub });
  /** Folder that files of the page are written under; null refuses them. @type {string | null} */
  let output = null;
  /** @type {(event: any) => void} */
  let watcher = () => {};

  /** @param {string} folder for the profile */
  async function openPage(folder) {
    // A profile on disk: the in-memory one of a plain context has a small storage quota.
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: executablePath ?? undefined,
      headless: true,
      args: [...chromiumArgs(), `--host-resolver-rules=MAP ${new URL(ORIGIN).host}:80 127.0.0.1:${server.port}`],
      // The server sends all headers, and a page kept from an earlier build would be the wrong one.
      serviceWorkers: 'block',
      // A signal is a request to stop with a checkpoint; the browser must live on to keep it.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      /** @type {(error: Error) => void} */
      let onCrash = () => {};
      const crashed = new Promise((_, reject) => (onCrash = reject));
      crashed.catch(() => {});
      page.on('crash', () => onCrash(new BrowserEnded('The browser ran out of memory and closed the page.')));
      page.on('close', () => onCrash(new BrowserEnded('The browser was closed or killed.')));
      page.on('console', (message) => {
        if (process.env.TRAINYARD_DEBUG) process.stderr.write(`[page] ${message.text()}\n`);
      });
      await page.exposeFunction('trainyardEvent', (/** @type {unknown} */ event) => {
        watcher(event);
        onEvent(event);
      });
      await page.exposeFunction(
        'trainyardWrite',
        async (/** @type {string} */ path, /** @type {string} */ base64, /** @type {boolean} */ append) => {
          if (output === null) throw new Error('No output folder is open.');
          await writeInside(output, path, Buffer.from(base64, 'base64'), append);
        },
      );
      await page.goto(`${ORIGIN}/#/cli`);
      // By an element: waiting for an expression would need eval, which the page's content policy forbids.
      await page.locator('[data-ready]').waitFor({ state: 'attached', timeout: READY_TIMEOUT_MS });
      return { context, page, crashed };
    } catch (error) {
      await context.close().catch(() => {});
      throw error;
    }
  }

  /** In the cache, without what earlier commands left there. @param {string} folder @param {string} place */
  async function openKept(folder, place) {
    const opened = await openPage(folder);
    try {
      // Also where the database was written by a newer version, and then cannot be used at all.
      await call(opened, 'tidy', { keep: await projectsToKeep(place) });
      return opened;
    } catch (error) {
      await opened.context.close().catch(() => {});
      throw error;
    }
  }

  /** The first of the places that can be used; null where none can. @param {readonly string[]} places */
  async function openFirst(places) {
    /** @type {string[]} */
    const reasons = [];
    for (const place of places) {
      const profile = await keptProfile(place);
      if (typeof profile === 'string') {
        reasons.push(profile);
        continue;
      }
      try {
        const opened = await openKept(profile.folder, place);
        if (reasons.length > 0) note(`note: ${reasons.join('; ')}; the run is kept in ${place}.`);
        return { profile, opened, place };
      } catch (error) {
        await profile.release();
        const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
        reasons.push(`the cache in ${place} cannot be opened (${reason})`);
      }
    }
    if (must) throw new Error(`The run cannot be gone on with: ${reasons.join('; ')}.`);
    if (reasons.length > 0) note(`note: ${reasons.join('; ')}; this command keeps nothing.`);
    return null;
  }

  const wasThere = beside === null || (await stat(beside).catch(() => null)) !== null;
  const places = [cache, beside === null ? null : join(beside, OWN_CACHE)].filter((place) => place !== null);
  /** @type {{ profile: import('./cache.mjs').Profile, opened: Awaited<ReturnType<typeof openPage>> | null, place: string | null }} */
  let held;
  try {
    held = (await openFirst(places)) ?? { profile: await temporaryProfile(), opened: null, place: null };
  } catch (error) {
    await server.close();
    throw error;
  }
  const close = async () => {
    const { profile, opened, place } = held;
    // What a command made is in the files that it wrote; what was downloaded stays, and runs that can be gone on with.
    if (place !== null && opened !== null) {
      await within(TIDY_TIMEOUT_MS, call(opened, 'tidy', { keep: await projectsToKeep(place) })).catch(() => {});
    }
    await opened?.context.close().catch(() => {});
    await server.close();
    await profile.release();
    if (place !== null && basename(place) === OWN_CACHE && (await runsIn(place)).length === 0) {
      await discard(place, !wasThere);
    }
  };

  try {
    held.opened ??= await openPage(held.profile.folder);
    const { page, crashed } = held.opened;

    return {
      close,
      /** Whether what is downloaded now will be there for the next command. */
      kept: held.place !== null,
      /** The folder in which it will be there. */
      place: held.place,
      /** Hears of all events, too. @param {(event: any) => void} listener */
      watch(listener) {
        watcher = listener;
      },
      /** @param {string | null} folder */
      writeTo(folder) {
        output = folder;
      },
      /**
       * Gives files or folders of this machine to the page, as a person would with the file dialog: nothing is copied.
       * @param {readonly Input[]} inputs
       */
      async give(inputs) {
        for (const { prefix, path } of inputs) {
          const isFolder = (await stat(path)).isDirectory();
          await page.evaluate('window.trainyard.nextInput()');
          await page.setInputFiles(isFolder ? '#folder' : '#file', path);
          await page.evaluate(
            ([from, name]) => /** @type {any} */ (window).trainyard.takeInput(from, name),
            /** @type {const} */ ([prefix, basename(path)]),
          );
        }
      },
      /**
       * Calls a command of the page. Rejects with PageFailure when the page reports an error.
       * @param {string} command
       * @param {unknown} [request]
       * @returns {Promise<any>}
       */
      async call(command, request) {
        return call({ page, crashed }, command, request);
      },
      /** Asks a run to end at its next step boundary. */
      async stop() {
        await page.evaluate('window.trainyard.stop()');
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * @param {{ page: import('playwright').Page, crashed: Promise<unknown> }} opened
 * @param {string} command
 * @param {unknown} [request]
 * @returns {Promise<any>}
 */
async function call({ page, crashed }, command, request) {
  const answer = await Promise.race([
    page.evaluate(
      ([name, data]) => /** @type {any} */ (window).trainyard.run(name, data),
      /** @type {const} */ ([command, request]),
    ),
    crashed,
  ]);
  if (!answer.ok) throw new PageFailure(answer.error);
  return answer.value;
}

/** A cache beside results is of no use without a run; neither is the folder for results where it was made for it alone. @param {string} place @param {boolean} withFolder */
async function discard(place, withFolder) {
  await rm(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  if (withFolder) await rmdir(dirname(place)).catch(() => {});
}

/**
 * @template Value
 * @param {number} milliseconds
 * @param {Promise<Value>} work
 * @returns {Promise<Value | null>} null when it takes longer
 */
async function within(milliseconds, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve(null), milliseconds)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {string} folder
 * @param {string} path as the page gave it, '/' between parts
 * @param {Buffer} bytes
 * @param {boolean} append
 */
async function writeInside(folder, path, bytes, append) {
  const target = resolve(folder, path);
  if (!target.startsWith(resolve(folder) + sep)) throw new Error(`"${path}" is outside the output folder.`);
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, append ? 'a' : 'w');
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
