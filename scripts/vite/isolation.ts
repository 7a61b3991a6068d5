// A Vite plugin that makes `vite dev`, `vite preview` and the test pages cross-origin isolated. Nothing of it is in the build.
import type { Connect, Plugin } from 'vite';
import { ISOLATION_HEADERS } from '../lib/headers.mjs';

const setHeaders: Connect.NextHandleFunction = (_request, response, next) => {
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value);
  next();
};

/** Must come first in the plugin list: SvelteKit ignores `server.headers` and answers before later middleware. */
export function isolation(): Plugin {
  return {
    name: 'trainyard-isolation',
    enforce: 'pre',
    // Vitest's own pages take their headers from here and never reach the middleware below.
    config: () => ({ server: { headers: ISOLATION_HEADERS }, preview: { headers: ISOLATION_HEADERS } }),
    configureServer(server) {
      server.middlewares.use(setHeaders);
    },
    configurePreviewServer(server) {
      server.middlewares.use(setHeaders);
    },
  };
}
