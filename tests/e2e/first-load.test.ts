// What the first visit costs, before a worker starts, and that it asks nobody but its own host.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer } from '../../scripts/server.mjs';
import { copyOfBuild, openBrowser, type Browser } from './harness';

// The budget of the product: about a second on a slow mobile connection.
const BUDGET_BYTES = 150_000;

let site: string;
let server: Awaited<ReturnType<typeof startServer>>;
let browser: Browser;

beforeAll(async () => {
  site = await copyOfBuild();
  server = await startServer({ root: site });
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await rm(site, { recursive: true, force: true });
});

test('the first page needs less than 150 kB of JavaScript (gzip) and loads nothing from elsewhere', async () => {
  const page = await browser.context.newPage();
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  await page.goto(server.url, { waitUntil: 'networkidle' });
  const elsewhere = requested.filter((url) => !url.startsWith(server.url) && !/^(blob|data):/.test(url));
  expect(elsewhere).toEqual([]);

  // A worker's own scripts load beside the page and do not hold up its first paint.
  const scripts = requested.filter((url) => url.endsWith('.js') && !/\/workers\/|service-worker/.test(url));
  const sizes = await Promise.all(
    [...new Set(scripts)].map(async (url) => gzipSync(await readFile(join(site, new URL(url).pathname))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(sizes.length).toBeGreaterThan(2);
  expect(total).toBeLessThan(BUDGET_BYTES);
});

test('the content policy lets neither the page nor a worker ask another origin', async () => {
  const page = await browser.context.newPage();
  await page.goto(server.url);
  const another = `${server.url.replace('127.0.0.1', 'localhost')}version`;
  const blocked = await page.evaluate(async (url) => {
    const violation = new Promise<string>((resolve) => {
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), {
        once: true,
      });
    });
    await fetch(url).catch(() => undefined);
    return violation;
  }, another);
  expect(blocked).toBe('connect-src');

  // A worker made from text inherits the policy of the page that made it.
  const told = await page.evaluate(
    (url) =>
      new Promise<string>((resolve, reject) => {
        const text =
          `addEventListener('securitypolicyviolation', ({ effectiveDirective }) => postMessage(effectiveDirective));` +
          `fetch(${JSON.stringify(url)}).then(() => postMessage('asked'), () => undefined)`;
        const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
        worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      }),
    another,
  );
  expect(told).toBe('connect-src');
});
