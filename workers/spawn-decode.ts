// Starts a decode worker. Here, because Vite bundles a worker from exactly this expression, and only workers start decode workers.

export function spawnDecodeWorker(): Worker {
  return new Worker(new URL('./decode.ts', import.meta.url), { type: 'module', name: 'decode' });
}
