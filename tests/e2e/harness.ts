// A built site, a server that can be stopped, and a headless Chromium with a profile of its own, for the end-to-end tests.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { BUILD, ensureBuild } from '../../scripts/lib/build.mjs';
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs';
import { startServer } from '../../scripts/server.mjs';

/** A copy of the up-to-date build, which a test may change. */
export async function copyOfBuild(): Promise<string> {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-site-'));
  await cp(BUILD, folder, { recursive: true });
  return folder;
}

export interface Browser {
  context: BrowserContext;
  /** Closes the browser and removes its profile. */
  close(): Promise<void>;
}

/** A profile on disk, because service workers and large storage need one that is not private. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null)
    throw new Error('No Chromium was found; run "npm test" once, which installs it or says how.');
  const profile = await mkdtemp(join(tmpdir(), 'trainyard-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: chromiumArgs(),
  });
  return {
    context,
    async close() {
      await context.close();
      // Chromium's helpers may hold files for a moment after it has gone.
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

export interface Site {
  url: string;
  context: BrowserContext;
  /** A page whose errors and failed requests are collected. */
  open(path?: string): Promise<{ page: Page; problems: string[] }>;
  stopServer(): Promise<void>;
  close(): Promise<void>;
}

/** The up-to-date build, served, and a browser with a fresh profile for it. One for each test file. `hub`: see startServer. */
export async function openSite({ hub }: { hub?: string } = {}): Promise<Site> {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  const server = await startServer({ root: BUILD, hub });
  const { context, close } = await openBrowser();
  return {
    url: server.url,
    context,
    async open(path = '') {
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      await page.goto(server.url + path);
      return { page, problems };
    },
    stopServer: () => server.close(),
    async close() {
      await close();
      await server.close().catch(() => undefined);
    },
  };
}

/** How many records each store of the page's database holds, '' for none at all. */
export function storedRecords(page: Page): Promise<Record<string, number>> {
  return page.evaluate(async () => {
    const counts: Record<string, number> = {};
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error(String(request.error)));
      });
      for (const store of database.objectStoreNames) {
        const request = database.transaction(store).objectStore(store).count();
        counts[store] = await new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(new Error(String(request.error)));
        });
      }
      database.close();
    }
    return counts;
  });
}
