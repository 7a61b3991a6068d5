// Which run this tab trains, kept where it survives the tab being discarded, so that it can be gone on with. Of this tab alone.

const KEY = 'trainyard:training';
/** A discarded tab is told how long it was away to about this. */
const REMEMBER_EVERY_MS = 5_000;

export interface Absence {
  runId: string;
  seconds: number;
}

interface Kept {
  runId: string;
  /** Milliseconds since 1970. */
  time: number;
}

/** Called as often as one likes. */
export function rememberRun(runId: string, now = Date.now()): void {
  const kept = read();
  if (kept?.runId === runId && now - kept.time < REMEMBER_EVERY_MS) return;
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ runId, time: now } satisfies Kept));
  } catch {
    // Without it a discarded tab shows the run as interrupted, with a button to go on.
  }
}

export function forgetRun(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

/** The run that this tab trained when it was discarded, and for how many seconds it has not. */
export function absentRun(now = Date.now()): Absence | null {
  const kept = read();
  return kept && { runId: kept.runId, seconds: Math.max(0, (now - kept.time) / 1000) };
}

function read(): Kept | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    if (typeof kept !== 'object' || kept === null || !('runId' in kept) || !('time' in kept)) return null;
    const { runId, time } = kept;
    return typeof runId === 'string' && typeof time === 'number' ? { runId, time } : null;
  } catch {
    return null;
  }
}
