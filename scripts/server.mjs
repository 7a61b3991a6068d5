// A static file server on the loopback address, for `npm start`, the command line and the tests. Not for the internet.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { ISOLATION_HEADERS } from './lib/headers.mjs';
import { parseHub } from './lib/hub.mjs';

/** @type {Record<string, string | undefined>} */
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.zip': 'application/zip',
};

/**
 * @typedef {object} ServerOptions
 * @property {string} root Folder that is served.
 * @property {string} [base] Sub-path under which it appears: '' or '/trainyard'.
 * @property {number} [port] 0 takes any free one.
 * @property {string} [hub] Another hub than the build's, as parseHub reads it: the content policy and the page are told.
 * @property {boolean} [isolated] Send the isolation headers and the content policy; false imitates a host that sets none.
 */

/**
 * The file for a request path, or null when there is none or the path leaves the root.
 * @param {string} root @param {string} base @param {string} path the undecoded path of the address
 */
export function resolveFile(root, base, path) {
  if (path !== base && !path.startsWith(`${base}/`)) return null;
  let decoded;
  try {
    decoded = decodeURIComponent(path.slice(base.length));
  } catch {
    return null;
  }
  if (decoded.includes('\0')) return null;
  const folder = normalize(root + sep);
  const file = normalize(join(folder, decoded));
  if (!file.startsWith(folder)) return null;
  const info = statSync(file, { throwIfNoEntry: false });
  if (info?.isFile()) return file;
  const index = join(file, 'index.html');
  return info?.isDirectory() && existsSync(index) ? index : null;
}

/** The files that carry the content policy; the service worker puts it on what it serves. */
const WITH_POLICY = ['index.html', 'service-worker.js'];

/**
 * Puts another hub in the place of the build's: its hosts into the content policy, its address where src/lib/rpc/client.ts reads it.
 * @param {string} text of a file of the build @param {string} hub
 */
export function withHub(text, hub) {
  const { sources } = parseHub(hub);
  // What parseHub lets through needs no escaping but for the quotes and ampersands that a path may have.
  const content = hub.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return text
    .replaceAll(/connect-src 'self' blob: data:[^;"]*/g, `connect-src 'self' blob: data: ${sources.join(' ')}`)
    .replace('<head>', () => `<head><meta name="trainyard-hub" content="${content}">`);
}

/**
 * The content policy as a header: what the page's meta says plus frame-ancestors, which a meta cannot say.
 * @param {string} html of the page
 */
export function contentPolicy(html) {
  const policy = /http-equiv="content-security-policy" content="([^"]*)"/.exec(html)?.[1];
  return policy === undefined ? null : `${policy}; frame-ancestors 'none'`;
}

/**
 * Starts the server; resolves once it listens.
 * @param {ServerOptions} options
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function startServer({ root, base = '', port = 0, hub, isolated = true }) {
  /** Contents that differ from the files. @type {Map<string, Buffer>} */
  const replaced = new Map();
  if (hub !== undefined) {
    for (const file of WITH_POLICY.map((name) => join(root, name)).filter((path) => existsSync(path)))
      replaced.set(file, Buffer.from(withHub(readFileSync(file, 'utf8'), hub)));
  }
  const page = join(root, 'index.html');
  const policy = isolated ? contentPolicy(String(replaced.get(page) ?? readFileSync(page, 'utf8'))) : null;
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      return;
    }
    const path = (request.url ?? '/').split(/[?#]/, 1)[0];
    if (path === base && base !== '') {
      // Without the slash the page's relative addresses would point one folder too high.
      response.writeHead(308, { Location: `${base}/` }).end();
      return;
    }
    const file = resolveFile(root, base, path);
    if (file === null) {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Not found.\n');
      return;
    }
    const content = replaced.get(file);
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': content?.length ?? statSync(file).size,
      'X-Content-Type-Options': 'nosniff',
      // Names under immutable/ carry a hash of their content; all else must be asked for again.
      'Cache-Control': path.includes('/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(isolated ? ISOLATION_HEADERS : {}),
      // On every file: a worker obeys the policy of its own script and not that of the page.
      ...(policy !== null ? { 'Content-Security-Policy': policy } : {}),
    });
    if (request.method === 'HEAD') response.end();
    else if (content !== undefined) response.end(content);
    else
      createReadStream(file)
        .on('error', () => response.destroy())
        .pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}${base}/`,
    port: address.port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
