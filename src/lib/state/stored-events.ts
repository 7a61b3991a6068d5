// Reads a run's events into its curves in portions, so that a run of many hours never holds the page's thread.
import type { Database } from '$lib/storage/database';
import { readEvents } from '$lib/storage/runs';
import type { RunCurves } from './run-curves';

/** A thousand events are read and taken in about 10 ms on a slow machine; all at once a night's run would take a second. */
const PORTION = 1_000;

/** Takes the events from `sequence` on; returns the sequence number that comes next. */
export async function takeStored(database: Database, runId: string, curves: RunCurves, sequence = 0): Promise<number> {
  let next = sequence;
  for (;;) {
    const records = await readEvents(database, runId, next, PORTION);
    for (const { event, time } of records) curves.take(event, time);
    next = (records.at(-1)?.sequence ?? next - 1) + 1;
    if (records.length < PORTION) return next;
  }
}
