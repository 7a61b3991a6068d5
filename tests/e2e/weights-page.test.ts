// The weights worker of the built page: what the content policy lets it ask, with and without a service worker in between; cancelling,
// going on, and using what is here when nobody answers.
import type { Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BUILD, ensureBuild } from '../../scripts/lib/build.mjs';
import { startServer } from '../../scripts/server.mjs';
import { startHub, type HubServer } from '../support/hub-server';
import { openBrowser, storedRecords, type Browser } from './harness';

const NAME = 'tests/net.one';
const PATH = `${NAME}/model.safetensors`;

/** The service worker keeps the whole site before it takes over. */
const POLL = { timeout: 60_000 };

let hub: HubServer;
let browser: Browser;
const servers: Awaited<ReturnType<typeof startServer>>[] = [];

type Answer = { ok: true; value: { name: string; sources: string[] } } | { ok: false; error: { code: string } };

/** As safetensors is: the length of a JSON header, the header, the numbers. */
function safetensors(values: number): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({ weight: { dtype: 'F32', shape: [values], data_offsets: [0, values * 4] } }),
  );
  const file = new Uint8Array(8 + header.length + values * 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  for (let i = 8 + header.length; i < file.length; i += 4) new DataView(file.buffer).setFloat32(i, i / 7, true);
  return file;
}

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  hub = await startHub();
  browser = await openBrowser();
}, 180_000);

afterEach(() => {
  hub.files.clear();
  hub.models.clear();
  hub.log.length = 0;
});

afterAll(async () => {
  await browser.close();
  await Promise.all([hub.close(), ...servers.map(({ close }) => close())]);
});

/** The screen that calls the workers by name, at an origin of its own. */
async function open(options: { hub: string; isolated?: boolean }): Promise<Page> {
  const server = await startServer({ root: BUILD, ...options });
  servers.push(server);
  const first = await browser.context.newPage();
  let loads = 0;
  first.on('load', () => loads++);
  await first.goto(server.url);
  // Without headers from the host the page reloads itself once, and nothing may be evaluated before that.
  if (options.isolated === false) await expect.poll(() => loads, POLL).toBe(2);
  else await expect.poll(() => first.evaluate(() => navigator.serviceWorker.controller !== null), POLL).toBe(true);
  await first.close();
  const page = await browser.context.newPage();
  await page.goto(`${server.url}#/cli`);
  await page.locator('[data-ready]').waitFor({ state: 'attached' });
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  return page;
}

function download(page: Page, reference = NAME): Promise<Answer> {
  return page.evaluate(
    (name) => window.trainyard?.run('downloadWeights', { reference: name }) as Promise<Answer>,
    reference,
  );
}

test.each([true, false])(
  'a download passes by the service worker and outlives the hub (headers from the host: %s)',
  async (isolated) => {
    hub.files.set(PATH, { bytes: safetensors(1000) });
    const page = await open({ hub: hub.hub, isolated });
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await download(page)).toMatchObject({ ok: true, value: { name: NAME, sources: [NAME] } });
    expect(hub.log).toContain(`GET /${PATH} bytes=0-`);
    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return requests.flat().map(({ url }) => url);
    });
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.filter((url) => url.startsWith(hub.base) || url.startsWith(hub.downloads))).toEqual([]);
    expect(await storedRecords(page)).toMatchObject({ weights: 1, weightsParts: 1, downloads: 0, downloadParts: 0 });

    hub.files.clear();
    hub.log.length = 0;
    expect(await download(page)).toMatchObject({ ok: true });
    expect(hub.log).toEqual([]);
    await page.close();
  },
);

test.each([true, false])(
  'the content policy stops a redirect to a host that is not allowed (headers from the host: %s)',
  async (isolated) => {
    hub.files.set(PATH, { bytes: safetensors(1000) });
    // The second origin is not named.
    const page = await open({ hub: hub.base, isolated });
    expect(await download(page)).toMatchObject({ ok: false, error: { code: 'hub-unreachable' } });
    // It was stopped before it left, not after it came back.
    expect(hub.log.filter((line) => line.includes('resolve')).length).toBeGreaterThan(0);
    expect(hub.log.filter((line) => line.startsWith(`GET /${PATH}`))).toEqual([]);
    await page.close();
  },
);

test('a download that was cancelled goes on from where it was, after a reload too', async () => {
  const bytes = safetensors(500_000);
  hub.files.set(PATH, { bytes, slow: { pieceBytes: 50_000, milliseconds: 50 } });
  const page = await open({ hub: hub.hub });
  const cancelled = download(page);
  await expect.poll(() => hub.log.some((line) => line.startsWith(`GET /${PATH}`))).toBe(true);
  await page.waitForTimeout(1_000);
  await page.evaluate(() => window.trainyard?.stop());
  expect(await cancelled).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  await page.reload();
  await page.locator('[data-ready]').waitFor({ state: 'attached' });
  hub.files.set(PATH, { bytes });
  expect(await download(page)).toMatchObject({ ok: true });
  const ranges = hub.log.filter((line) => line.startsWith(`GET /${PATH}`)).map((line) => line.split(' ')[2]);
  expect(ranges[0]).toBe('bytes=0-');
  expect(Number(/=(\d+)-/.exec(ranges[1])?.[1])).toBeGreaterThan(100_000);
  await page.close();
});

test('without another hub the page may ask the usual one and its download hosts, and nobody else', async () => {
  const server = await startServer({ root: BUILD });
  servers.push(server);
  const answer = await fetch(server.url);
  const connect = /connect-src ([^;]*)/.exec(answer.headers.get('content-security-policy') ?? '')?.[1];
  expect(connect).toBe("'self' blob: data: https://huggingface.co https://*.huggingface.co https://*.hf.co");
  const page = await browser.context.newPage();
  await page.goto(`${server.url}#/cli`);
  await page.locator('[data-ready]').waitFor({ state: 'attached' });
  expect(await download(page, `${hub.base}/nets/model.pth`)).toMatchObject({ ok: false, error: { code: 'hub-host' } });
  expect(hub.log).toEqual([]);
  await page.close();
});
