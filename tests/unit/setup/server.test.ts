// The loopback server: what it serves, as what, and what it refuses.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer } from '../../../scripts/server.mjs';

const POLICY = "default-src 'self'";

let parent: string;
let root: string;
let close: () => Promise<void>;
let port: number;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'trainyard-server-'));
  root = join(parent, 'site');
  await mkdir(join(root, '_app/immutable'), { recursive: true });
  await writeFile(join(parent, 'secret.txt'), 'secret');
  // A sibling whose name begins like the root's: a comparison of prefixes alone would let it through.
  await mkdir(join(parent, 'site-private'));
  await writeFile(join(parent, 'site-private/secret.txt'), 'secret');
  await writeFile(
    join(root, 'index.html'),
    `<meta http-equiv="content-security-policy" content="${POLICY}"><p>page</p>`,
  );
  await writeFile(join(root, 'größe 1.txt'), 'name');
  await writeFile(join(root, '_app/immutable/a.wasm'), new Uint8Array([0, 97, 115, 109]));
  ({ close, port } = await startServer({ root, base: '/yard' }));
});

afterAll(async () => {
  await close();
  await rm(parent, { recursive: true });
});

/** Sends the path as it is: fetch() would resolve `..` before sending. */
function get(path: string, { method = 'GET', at = port } = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    request({ host: '127.0.0.1', port: at, path, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

test('the page is served under the sub-path, isolated and with its content policy', async () => {
  const { status, headers, body } = await get('/yard/?x=1');
  expect([status, body.includes('page')]).toEqual([200, true]);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'content-security-policy': `${POLICY}; frame-ancestors 'none'`,
    'cache-control': 'no-cache',
  });
});

test('WebAssembly has the type that streaming compilation asks for, and hashed names may be cached for ever', async () => {
  const { headers } = await get('/yard/_app/immutable/a.wasm', { method: 'HEAD' });
  expect(headers).toMatchObject({ 'content-type': 'application/wasm', 'content-length': '4' });
  expect(headers['cache-control']).toContain('immutable');
});

test('a name outside ASCII is found', async () => {
  expect((await get(`/yard/${encodeURIComponent('größe 1.txt')}`)).body).toBe('name');
});

test.each([
  '/yard/../secret.txt',
  '/yard/%2e%2e/secret.txt',
  '/yard/..%2fsecret.txt',
  '/yard/..%5csecret.txt',
  '/yard/../site-private/secret.txt',
  '/yard//etc/passwd',
  '/yard/%00',
  '/yard/%zz',
  '/yard/missing.js',
  '/yardage/',
  '/',
])('%s is not found', async (path) => {
  const { status, body } = await get(path);
  expect(status).toBe(404);
  expect(body).not.toContain('secret');
});

test('the sub-path without its slash is redirected, and only reading is allowed', async () => {
  expect(await get('/yard')).toMatchObject({ status: 308, headers: { location: '/yard/' } });
  expect((await get('/yard/', { method: 'POST' })).status).toBe(405);
});

test('isolation can be switched off, to imitate a host that sets no headers', async () => {
  const plain = await startServer({ root, isolated: false });
  const { status, headers } = await get('/', { at: plain.port });
  await plain.close();
  expect(status).toBe(200);
  expect(headers).not.toHaveProperty('cross-origin-opener-policy');
  expect(headers).not.toHaveProperty('content-security-policy');
});

test('another hub takes the place of the build’s, in the policy of page and service worker and in the page', async () => {
  const site = join(parent, 'with-hub');
  await mkdir(site);
  const policy = "default-src 'self'; connect-src 'self' blob: data: https://huggingface.co; object-src 'none'";
  await writeFile(
    join(site, 'index.html'),
    `<head><meta http-equiv="content-security-policy" content="${policy}"></head><p>größe</p>`,
  );
  await writeFile(join(site, 'service-worker.js'), `const policy = ${JSON.stringify(policy)};`);
  await writeFile(join(site, 'other.js'), policy);
  const server = await startServer({ root: site, hub: 'https://hub.example/a"b https://*.files.example' });
  try {
    const expected = policy.replace('https://huggingface.co', 'https://hub.example https://*.files.example');
    const page = await get('/', { at: server.port });
    expect(page.headers['content-security-policy']).toBe(`${expected}; frame-ancestors 'none'`);
    expect(page.body).toContain(`content="${expected}"`);
    expect(page.body).toContain(
      '<meta name="trainyard-hub" content="https://hub.example/a&quot;b https://*.files.example">',
    );
    expect(page.headers['content-length']).toBe(String(Buffer.byteLength(page.body)));
    expect((await get('/service-worker.js', { at: server.port })).body).toBe(
      `const policy = ${JSON.stringify(expected)};`,
    );
    expect((await get('/other.js', { at: server.port })).body).toBe(policy);
  } finally {
    await server.close();
  }
});
