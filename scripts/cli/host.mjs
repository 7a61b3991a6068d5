// Runs the built page in a headless Chromium and speaks with it. Owns the server and the browser.
import { mkdir, open, stat } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from '../lib/chromium.mjs';
import { startServer } from '../server.mjs';
import { UsageError } from './arguments.mjs';
import { openProfile, temporaryProfile } from './cache.mjs';

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

/**
 * Opens the page's command-line screen. `onEvent` gets what the page tells while it works.
 * Close it, also after an error: it ends the browser and gives the profile back.
 * @param {object} options
 * @param {string} options.root
 * @param {string | null} [options.cache] Folder that outlives the command.
 * @param {string} [options.hub] Replaces the build's hub.
 * @param {(event: any) => void} [options.onEvent]
 * @param {(text: string) => void} [options.note]
 */
export async function openHost({ root, cache = null, hub, onEvent = () => {}, note = () => {} }) {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new UsageError('No Chromium was found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.');
  }
  const server = await startServer({ root, hub });
  /** Folder that files of the page are written under; null refuses them. @type {string | null} */
  let output = null;

  /** @param {string} folder for the profile */
  async function openPage(folder) {
    // A profile on disk: the in-memory one of a plain context has a small storage quota.
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: executablePath ?? undefined,
      headless: true,
      args: [...chromiumArgs(), `--host-resolver-rules=MAP ${new URL(ORIGIN).host}:80 127.0.0.1:${server.port}`],
      // The server sends all headers, and a page kept from an earlier build would be the wrong one.
      serviceWorkers: 'block',
      // Ctrl-C is a request to stop with a checkpoint; the browser must live on to keep it.
      handleSIGINT: false,
    });
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      /** @type {(error: Error) => void} */
      let onCrash = () => {};
      const crashed = new Promise((_, reject) => (onCrash = reject));
      crashed.catch(() => {});
      page.on('crash', () => onCrash(new Error('The browser ran out of memory and closed the page.')));
      page.on('close', () => onCrash(new Error('The browser was closed.')));
      page.on('console', (message) => {
        if (process.env.TRAINYARD_DEBUG) process.stderr.write(`[page] ${message.text()}\n`);
      });
      await page.exposeFunction('trainyardEvent', (/** @type {unknown} */ event) => onEvent(event));
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

  /** In the cache, without what earlier commands left there. @param {string} folder */
  async function openKept(folder) {
    const opened = await openPage(folder);
    try {
      // Also where the database was written by a newer version, and then cannot be used at all.
      await call(opened, 'tidy');
      return opened;
    } catch (error) {
      await opened.context.close().catch(() => {});
      throw error;
    }
  }

  const profile = { now: await openProfile(cache, note) };
  /** @type {Awaited<ReturnType<typeof openPage>> | null} */
  let opened = null;
  const close = async () => {
    // What a command made is in the files that it wrote; what was downloaded stays.
    if (profile.now.kept && opened !== null) await within(TIDY_TIMEOUT_MS, call(opened, 'tidy')).catch(() => {});
    await opened?.context.close().catch(() => {});
    await server.close();
    await profile.now.release();
  };

  try {
    if (profile.now.kept) {
      opened = await openKept(profile.now.folder).catch(async (error) => {
        const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
        note(`note: the cache in ${cache} cannot be opened (${reason}); this command keeps nothing.`);
        await profile.now.release();
        profile.now = await temporaryProfile();
        return null;
      });
    }
    const { page, crashed } = (opened ??= await openPage(profile.now.folder));

    return {
      close,
      /** Whether what is downloaded now will be there for the next command. */
      kept: profile.now.kept,
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
