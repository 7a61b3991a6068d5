// The response headers that make a page cross-origin isolated (threads in WebAssembly, precise timers).
// The service worker sets the same ones on hosts that cannot (src/service-worker.ts).
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
