// Which failures pass by themselves, and when a run that failed so is tried again. A bounded number of times: what fails five times
// over fails for a reason.

import type { QueueRecord } from '$lib/storage/records';

/** Attempts in all, the first one included. */
export const MOST_ATTEMPTS = 5;

const FIRST_DELAY_MS = 30_000;
const LONGEST_DELAY_MS = 15 * 60_000;

/**
 * Of the device, of memory, of a server, of storage that another tab holds. Not among them: bad input, a loss that is no number, a
 * full disk, all of which would fail again in the same way.
 */
const PASSING: ReadonlySet<string> = new Set([
  'device-lost',
  'device-unavailable',
  'out-of-memory',
  'wasm-out-of-memory',
  'worker-ended',
  'worker-failed',
  'worker-fault',
  'worker-silent',
  'worker-not-started',
  'storage-blocked',
  'storage-closed',
  'storage-terminated',
  'already-training',
  'run-active',
  'run-elsewhere',
  'hub-broken-off',
  'hub-failed',
  'hub-offline',
  'hub-silent',
  'hub-unreachable',
]);

export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

/** Milliseconds until the next attempt after `attempts` that failed: 30 s, doubled each time, at most a quarter of an hour. */
export function retryDelay(attempts: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, attempts - 1));
}

/** What becomes of an entry whose run failed: it waits for another attempt, which goes on with the run where it exists, or has failed. */
export function afterFailure(
  entry: QueueRecord,
  error: { code: string; message: string; hint: string },
  now: number,
): Pick<QueueRecord, 'status' | 'attempts' | 'notBefore' | 'error'> {
  const attempts = entry.attempts + 1;
  const { code, message, hint } = error;
  const again = isPassing(code) && attempts < MOST_ATTEMPTS;
  return {
    status: again ? 'waiting' : 'failed',
    attempts,
    notBefore: again ? now + retryDelay(attempts) : null,
    error: { code, message, hint },
  };
}
