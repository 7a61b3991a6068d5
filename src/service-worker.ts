// Keeps the whole site for offline use and adds the headers that a static host cannot set. Decides nothing by itself: a new version
// waits until the page asks for it. `self.__WB_MANIFEST` is filled in by scripts/precache.mjs after the build.
import { clientsClaim } from 'workbox-core';
import { addPlugins, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { CacheFirst, NetworkOnly } from 'workbox-strategies';
import { ISOLATION_HEADERS } from '../scripts/lib/headers.mjs';

interface Manifest {
  /** Needed for the first start; kept before the worker is installed. */
  shell: { url: string; revision: string | null }[];
  /** Fetched when a page says that it is idle. Their names contain a hash of their content. */
  large: string[];
  /** The Content-Security-Policy of the page. */
  policy: string;
}

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: Manifest };

const { shell, large, policy } = self.__WB_MANIFEST;
const LARGE_CACHE = 'trainyard-large';
const largeUrls = large.map((path) => new URL(path, self.registration.scope).href);

/**
 * With these headers the page is cross-origin isolated on any host. Scripts carry the content policy too, because a worker
 * obeys the policy of its own response and not that of the page.
 */
function withHeaders(response: Response): Response {
  // An opaque or redirected response cannot be rebuilt; neither occurs for the site's own files.
  if (response.type === 'opaque' || response.type === 'opaqueredirect' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) headers.set(name, value);
  headers.set('Content-Security-Policy', policy);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

const plugins = [{ handlerWillRespond: async ({ response }: { response: Response }) => withHeaders(response) }];

addPlugins(plugins);
precacheAndRoute(shell);
registerRoute(({ url }) => largeUrls.includes(url.href), new CacheFirst({ cacheName: LARGE_CACHE, plugins }));
registerRoute(new NavigationRoute(createHandlerBoundToURL('index.html')));
// Requests to other hosts (weights from the hub) are the browser's own business: unchanged, uncached, with their own redirects.
registerRoute(({ sameOrigin }) => sameOrigin, new NetworkOnly({ plugins }));

// The very first page is taken over at once: until then it is neither isolated nor offline.
clientsClaim();

/** Fetches what is missing and forgets the files of older versions, in that order, so that a failure loses nothing. */
async function keepLargeFiles(): Promise<void> {
  const cache = await caches.open(LARGE_CACHE);
  for (const url of largeUrls) if (!(await cache.match(url))) await cache.add(url);
  for (const request of await cache.keys()) if (!largeUrls.includes(request.url)) await cache.delete(request);
}

self.addEventListener('message', (event) => {
  const type: unknown = event.data?.type;
  if (type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
  if (type === 'KEEP_LARGE_FILES') {
    const answer = (ok: boolean) => event.ports[0]?.postMessage({ ok });
    event.waitUntil(
      keepLargeFiles().then(
        () => answer(true),
        // Offline or no room: the next visit tries again, and the shell works meanwhile.
        () => answer(false),
      ),
    );
  }
});
