// Hands weights that were dropped anywhere to the weights page. Files cannot travel in an address.
import type { Dropped } from '$lib/ui/drop';

let waiting: Dropped | null = null;

export const droppedWeights = {
  set(dropped: Dropped): void {
    waiting = dropped;
  },
  /** The files, once. */
  take(): Dropped | null {
    const dropped = waiting;
    waiting = null;
    return dropped;
  },
};
