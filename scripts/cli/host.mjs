// Runs the built page in a headless Chromium and speaks with it. Owns the server, the browser and their temporary profile.
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from '../lib/chromium.mjs';
import { startServer } from '../server.mjs';
import { UsageError } from './arguments.mjs';

const READY_TIMEOUT_MS = 60_000;

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
 * Close it, also after an error: it removes the profile.
 * @param {{ root: string, onEvent?: (event: any) => void }} options
 */
export async function openHost({ root, onEvent = () => {} }) {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new UsageError('No Chromium was found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.');
  }
  const server = await startServer({ root });
  const profile = await mkdtemp(join(tmpdir(), 'trainyard-'));
  /** Folder that files of the page are written under; null refuses them. @type {string | null} */
  let output = null;
  /** @type {import('playwright').BrowserContext | null} */
  let context = null;
  const close = async () => {
    await context?.close().catch(() => {});
    await server.close();
    // Chromium's helpers may hold files for a moment after it has gone.
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };

  try {
    // A profile on disk: the in-memory one of a plain context has a small storage quota.
    context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: chromiumArgs(),
      // Ctrl-C is a request to stop with a checkpoint; the browser must live on to keep it.
      handleSIGINT: false,
    });
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
    await page.goto(`${server.url}#/cli`);
    // By an element: waiting for an expression would need eval, which the page's content policy forbids.
    await page.locator('[data-ready]').waitFor({ state: 'attached', timeout: READY_TIMEOUT_MS });

    return {
      close,
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
        const answer = await Promise.race([
          page.evaluate(
            ([name, data]) => /** @type {any} */ (window).trainyard.run(name, data),
            /** @type {const} */ ([command, request]),
          ),
          crashed,
        ]);
        if (!answer.ok) throw new PageFailure(answer.error);
        return answer.value;
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
