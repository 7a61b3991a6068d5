// SvelteKit as a purely static page: one index.html, hash routes, every path relative to the base path.
import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { DEFAULT_HUB, parseHub } from './scripts/lib/hub.mjs';

/** @returns {'' | `/${string}`} */
function basePath() {
  const path = process.env.BASE_PATH ?? '';
  if (path === '') return '';
  if (path.startsWith('/') && !path.endsWith('/')) return `/${path.slice(1)}`;
  throw new Error(`BASE_PATH is "${path}". Start it with a slash and do not end it with one, e.g. /trainyard.`);
}

// The only other hosts that are ever asked, and only for weights that a person asked for. parseHub checks that they are origins.
const { sources } = parseHub(process.env.TRAINYARD_HUB || DEFAULT_HUB);
const hubSources = /** @type {`https://${string}.${string}`[]} */ (sources);

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    adapter: adapter(),
    // Hash routes need no rewriting, so any static host and any sub-path serves every screen from one file.
    router: { type: 'hash' },
    paths: { base: basePath(), relative: true },
    alias: { $models: 'models', '$models/*': 'models/*', $workers: 'workers', '$workers/*': 'workers/*' },
    // Registered by src/lib/pwa/register.ts, which offers an update instead of forcing it.
    serviceWorker: { register: false },
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['self'],
        // blob: because the threads of TensorFlow.js's and ONNX Runtime's WASM start from blob addresses.
        'script-src': ['self', 'wasm-unsafe-eval', 'blob:'],
        'worker-src': ['self', 'blob:'],
        // Components set style attributes (bars, grids), which hashes cannot cover.
        'style-src': ['self', 'unsafe-inline'],
        'img-src': ['self', 'blob:', 'data:'],
        'media-src': ['self', 'blob:'],
        'connect-src': ['self', 'blob:', 'data:', ...hubSources],
        'object-src': ['none'],
        'base-uri': ['self'],
        'form-action': ['none'],
      },
    },
  },
};
