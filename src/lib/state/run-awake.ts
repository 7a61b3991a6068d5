// Keeps the screen on while something trains: with the screen off a laptop or a phone soon sleeps, and the run with it.

/** Asks again whenever the tab is seen again, as the browser lets go of the lock when it is hidden. Returns what ends it. */
export function keepAwake(): () => void {
  // Not everywhere: Firefox before 126, pages that are not secure.
  if (!('wakeLock' in navigator)) return () => undefined;
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const ask = async () => {
    if (document.visibilityState !== 'visible' || (lock !== null && !lock.released)) return;
    try {
      const granted = await navigator.wakeLock.request('screen');
      if (over) await granted.release();
      else lock = granted;
    } catch {
      // Low battery, or a policy: the run goes on, the screen may turn dark.
    }
  };
  const seen = () => void ask();
  document.addEventListener('visibilitychange', seen);
  void ask();
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', seen);
    void lock?.release().catch(() => undefined);
  };
}
