// A run's events as they count. The log is only ever appended to, so a run that was cut off and resumed tells some steps twice.

import type { RunEvent } from '$lib/training/events';

/**
 * Leaves out what a later resume took back: everything told of steps after the checkpoint that it went on from. Order is kept.
 */
export function currentEvents<Event extends RunEvent>(events: readonly Event[]): Event[] {
  let kept: Event[] = [];
  for (const event of events) {
    if (event.type === 'started') kept = kept.filter((earlier) => stepOf(earlier) <= event.fromStep);
    kept.push(event);
  }
  return kept;
}

/** Steps done when the event was told; 0 for what belongs to no step. */
function stepOf(event: RunEvent): number {
  return 'step' in event ? event.step : 0;
}
