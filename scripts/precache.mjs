// After `vite build`: makes the page's addresses relative and tells the service worker what to keep for offline use.
// SvelteKit's own file list misses the chunks of workers and the WASM files, hence a list made from the folder itself.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { BUILD } from './lib/build.mjs';

// Above this size a file is fetched after the first start instead of holding it up: WASM files (ONNX Runtime's: 13 MB; TensorFlow.js's:
// 0.4 MB) and the script that carries one (h5wasm: 4 MB).
const LARGE_BYTES = 2_000_000;
const PLACEHOLDER = 'self.__WB_MANIFEST';
// The service worker must not keep itself; version.json is how SvelteKit asks the server for a newer version.
const LEFT_OUT = new Set(['service-worker.js', '_app/version.json']);

/** @param {Buffer | string} content */
const sha256 = (content) => createHash('sha256').update(content);

/** @param {string} folder @returns {string[]} paths relative to the build, with '/' */
function list(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? list(join(folder, entry.name)) : [join(folder, entry.name)]))
    .map((path) => (path.startsWith(BUILD) ? relative(BUILD, path) : path).split(sep).join('/'))
    .sort();
}

/**
 * SvelteKit writes its fallback page with addresses from the host's root, since such a page may be served at any depth. With hash
 * routes it is served at one depth only, so relative addresses are right, and one build works under every sub-path.
 * @param {string} html
 */
function makeRelative(html) {
  const base = process.env.BASE_PATH ?? '';
  const moved = html.replaceAll(`"${base}/_app/`, '"./_app/').replaceAll(`'${base}/_app/`, "'./_app/");
  const inline = [...moved.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code);
  const old = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code);
  return inline.reduce((text, code, index) => {
    const [before, after] = [old[index], code].map((script) => `'sha256-${sha256(script).digest('base64')}'`);
    if (!text.includes(before))
      throw new Error(`The content policy of index.html has no ${before} for an inline script.`);
    return text.replace(before, after);
  }, moved);
}

const page = join(BUILD, 'index.html');
const html = makeRelative(readFileSync(page, 'utf8'));
writeFileSync(page, html);

const policy = /http-equiv="content-security-policy" content="([^"]*)"/.exec(html)?.[1];
if (policy === undefined) throw new Error('index.html carries no content policy; see kit.csp in svelte.config.js.');

const entries = list(BUILD)
  .filter((path) => !LEFT_OUT.has(path) && !path.split('/').some((part) => part.startsWith('.')))
  .map((path) => ({
    url: path,
    // A name under immutable/ already contains its hash.
    revision: path.startsWith('_app/immutable/')
      ? null
      : sha256(readFileSync(join(BUILD, path)))
          .digest('hex')
          .slice(0, 16),
    bytes: statSync(join(BUILD, path)).size,
  }));
const isLarge = (/** @type {{ url: string, bytes: number }} */ { url, bytes }) =>
  /\.(wasm|js)$/.test(url) && bytes > LARGE_BYTES;
const shell = entries.filter((entry) => !isLarge(entry));
const large = entries.filter(isLarge);

const workerPath = join(BUILD, 'service-worker.js');
const worker = readFileSync(workerPath, 'utf8');
if (worker.split(PLACEHOLDER).length !== 2) throw new Error(`service-worker.js must name ${PLACEHOLDER} exactly once.`);
const manifest = {
  shell: shell.map(({ url, revision }) => ({ url, revision })),
  large: large.map(({ url }) => url),
  policy: `${policy}; frame-ancestors 'none'`,
};
writeFileSync(
  workerPath,
  worker.replace(PLACEHOLDER, () => JSON.stringify(manifest)),
);

/** @param {typeof entries} files */
const megabytes = (files) => (files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1);
console.log(
  `Offline: ${shell.length} files at once (${megabytes(shell)} MB), ${large.length} later (${megabytes(large)} MB).`,
);
