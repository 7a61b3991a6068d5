// Registers the service worker and tells the page what became of it: offline ready, a new version waiting, isolation gained.
// Shows nothing; the page decides how to say it.

export interface PwaCallbacks {
  /** A new version is installed and waits. `apply` activates it and reloads the page; call it only after a click. */
  onUpdate(apply: () => void): void;
  /** Everything, the large WASM files included, is kept: the page now works without a network. */
  onOfflineReady(): void;
}

// Remembered for the tab, so that a browser which refuses isolation is not reloaded for ever.
const RELOADED_KEY = 'trainyard:reloaded-for-isolation';
const CHECK_EVERY_MS = 60 * 60 * 1000;

/**
 * Does nothing in development or where service workers are missing (file:, private windows of some browsers). Rejects when the
 * registration fails, e.g. because storage is blocked; the page then works online only.
 */
export async function registerServiceWorker({ onUpdate, onOfflineReady }: PwaCallbacks): Promise<void> {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return;
  const container = navigator.serviceWorker;
  const hadController = container.controller !== null;
  let applying = false;

  container.addEventListener('controllerchange', () => {
    if (applying) location.reload();
    // Another tab activated the new version: this page still runs the old one, whose files are gone from the cache.
    else if (hadController) onUpdate(() => location.reload());
    else reloadForIsolation();
  });

  // Relative to the page, so that it is right under every sub-path.
  const registration = await container.register(new URL('./service-worker.js', location.href));

  const offer = (waiting: ServiceWorker) =>
    onUpdate(() => {
      applying = true;
      waiting.postMessage({ type: 'SKIP_WAITING' });
    });
  if (registration.waiting && container.controller) offer(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const installing = registration.installing;
    installing?.addEventListener('statechange', () => {
      // Without a controller this is the first version, not a newer one.
      if (installing.state === 'installed' && container.controller) offer(installing);
    });
  });
  checkWhenSeen(registration);

  // A forced reload (Shift) bypasses the worker although it is active: such a page stays as it is.
  if (hadController) reloadForIsolation();
  const { active } = await container.ready;
  if (active && (await keepLargeFiles(active))) onOfflineReady();
}

/**
 * On a host without the isolation headers the first page comes without them; once the worker is in control a reload adds them.
 * Not after the person began to do something: losing that would be worse than one session without threads.
 */
function reloadForIsolation(): void {
  if (crossOriginIsolated || navigator.userActivation.hasBeenActive || sessionStorage.getItem(RELOADED_KEY)) return;
  sessionStorage.setItem(RELOADED_KEY, 'yes');
  location.reload();
}

/** An installed page may stay open for weeks; look for a new version when it is seen again, at most once an hour. */
function checkWhenSeen(registration: ServiceWorkerRegistration): void {
  let checked = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || Date.now() - checked < CHECK_EVERY_MS) return;
    checked = Date.now();
    // Offline is normal here; the next look will do.
    registration.update().catch(() => {});
  });
}

/** Resolves to whether all large files are kept. */
function keepLargeFiles(worker: ServiceWorker): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<{ ok: boolean }>) => {
      port1.close();
      resolve(data.ok);
    };
    worker.postMessage({ type: 'KEEP_LARGE_FILES' }, [port2]);
  });
}
