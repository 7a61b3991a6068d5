// Who runs which run. A lock of the browser is held for as long as a run computes; the browser lets go of it when the tab
// closes, so a run that says 'running' without a lock was interrupted.

import { markInterrupted } from './runs';
import type { RunRecord } from './records';
import type { Database } from './schema';

const PREFIX = 'trainyard-run-';

/** Calls `work` with the run's lock held; returns null without calling it where another tab or worker holds the lock. */
export async function holdRun<Result>(runId: string, work: () => Promise<Result>): Promise<{ result: Result } | null> {
  return navigator.locks.request(`${PREFIX}${runId}`, { ifAvailable: true }, async (lock) =>
    lock === null ? null : { result: await work() },
  );
}

/** Ids of the runs that compute now, in any tab. */
export async function runsUnderWay(): Promise<Set<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name }) => name).filter((name) => name !== undefined);
  return new Set(names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)));
}

/** Marks what a closed or crashed tab left behind as 'interrupted' and returns it. For the start of the app. */
export async function recoverRuns(database: Database): Promise<RunRecord[]> {
  return markInterrupted(database, await runsUnderWay());
}
