// The site without its server, on a host that sets no headers, under a sub-path; and how a new version arrives.
import { appendFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startServer } from '../../scripts/server.mjs';
import { copyOfBuild, openBrowser, type Browser } from './harness';
import { picture, pictures, writeFolder } from './support/pictures';

const BASE = '/trainyard';

let site: string;
let server: Awaited<ReturnType<typeof startServer>>;
let browser: Browser;

beforeEach(async () => {
  site = await copyOfBuild();
  server = await startServer({ root: site, base: BASE, isolated: false });
  browser = await openBrowser();
});

afterEach(async () => {
  await browser.close();
  await server.close().catch(() => {});
  await rm(site, { recursive: true, force: true });
});

/** Opens the site and waits until the service worker controls the page and has isolated it. */
async function openInstalled() {
  const page = await browser.context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  let loads = 0;
  page.on('load', () => loads++);
  await page.goto(server.url);
  // Nothing may be evaluated in the page before it reloads itself: an evaluation counts as something that the person did.
  await expect.poll(() => loads, { timeout: 30_000 }).toBe(2);
  expect(await page.evaluate(() => crossOriginIsolated && navigator.serviceWorker.controller !== null)).toBe(true);
  return { page, problems };
}

test('a host without headers, under a sub-path, still gives an isolated page that can be installed, without complaints', async () => {
  const { page, problems } = await openInstalled();
  expect(await page.evaluate(() => sessionStorage.getItem('trainyard:reloaded-for-isolation'))).toBe('yes');
  // The reload for isolation may still be drawing.
  await expect.poll(() => page.evaluate(() => document.body.innerText)).toContain('Trainyard');
  // What keeps Chromium from offering to install the page.
  const devtools = await browser.context.newCDPSession(page);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  expect(installabilityErrors).toEqual([]);
  expect(problems).toEqual([]);
});

test('with the server stopped a reload shows the page, and every file of the build can be read', async () => {
  const { page } = await openInstalled();
  const kept = () =>
    page.evaluate(async () => {
      const keys = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      return keys.flat().map((request) => request.url);
    });
  // The large WASM files are fetched in the background after the first start.
  await expect.poll(async () => (await kept()).length, { timeout: 30_000 }).toBe(await filesOf(site));

  await server.close();
  await page.reload();
  await page.waitForFunction(() => document.body.innerText.includes('Trainyard'));
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const failed = await page.evaluate(
    (urls) =>
      Promise.all(urls.map((url) => fetch(url.replace(/\?.*/, '')).then((response) => (response.ok ? '' : url)))),
    await kept(),
  );
  expect(failed.filter(Boolean)).toEqual([]);
});

test('with the server stopped images are imported, a model is trained, asked and exported', async () => {
  const { page, problems } = await openInstalled();
  const kept = () =>
    page.evaluate(async () => {
      const keys = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      return keys.flat().length;
    });
  await expect.poll(kept, { timeout: 30_000 }).toBe(await filesOf(site));
  await server.close();
  await page.reload();

  const folder = await writeFolder(pictures(24, { size: 16 }));
  await page.locator('input[webkitdirectory]').first().setInputFiles(folder);
  await page.getByText('72 images in 3 classes', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Train a model' }).click();
  await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('8');
  await page.getByRole('button', { name: 'Train tiny-cnn for 8 epochs' }).click();
  await page.getByText('Done', { exact: true }).waitFor({ timeout: 120_000 });

  await writeFile(`${folder}/new.png`, picture('green', 999, 16));
  await page.getByRole('navigation').getByRole('link', { name: 'Predict', exact: true }).click();
  await page.locator('input[type=file][accept="image/*"]').setInputFiles(`${folder}/new.png`);
  await page.getByRole('article', { name: 'new.png: green' }).waitFor({ timeout: 60_000 });

  await page.getByRole('navigation').getByRole('link', { name: 'Export', exact: true }).click();
  const download = page.waitForEvent('download', { timeout: 120_000 });
  await page.getByRole('button', { name: 'Download bundle', exact: true }).click();
  expect((await readFile(await (await download).path())).subarray(0, 2).toString()).toBe('PK');
  expect(await page.getByText('Verified', { exact: true }).count()).toBe(4);
  expect(problems).toEqual([]);
  await rm(folder, { recursive: true });
});

test('a new version announces itself and waits until it is asked for', async () => {
  const { page } = await openInstalled();
  await appendFile(`${site}/service-worker.js`, '\n// A new version.\n');
  const state = () =>
    page.evaluate(async () => {
      const { active, waiting } = await navigator.serviceWorker.ready;
      return { active: active?.state, waiting: waiting?.state };
    });
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await expect.poll(state).toEqual({ active: 'activated', waiting: 'installed' });
  // Still waiting after a reload: nothing but the message activates it.
  await page.reload();
  await page.waitForLoadState('load');
  expect(await state()).toEqual({ active: 'activated', waiting: 'installed' });
  await page.getByText('A new version of Trainyard is ready.').waitFor();
  const reloaded = page.waitForEvent('load');
  await page.getByRole('button', { name: 'Reload to update' }).click();
  await reloaded;
  await expect.poll(state).toEqual({ active: 'activated', waiting: undefined });
});

/** How many files the site has for offline use: all but the worker itself, version.json and hidden ones. */
async function filesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter(
    (entry) =>
      entry.isFile() &&
      !entry.name.startsWith('.') &&
      entry.name !== 'service-worker.js' &&
      entry.name !== 'version.json',
  ).length;
}
