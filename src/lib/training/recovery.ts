// What to do about a device that was lost or has no memory left in the middle of a run, and for how long. Pure but for what it counts.

import type { InterruptionCode } from './interruption';

/** Lost devices in a row without anything new being stored; then something is wrong that a new device does not cure. */
const LOSSES_IN_A_ROW = 3;

export interface WayOn {
  /** The device is to be had anew. */
  renew: boolean;
  /** Parts of a batch from now on. */
  accumulate: number;
}

export class Recovery {
  readonly #batchSize: number;
  #furthest = -1;
  #losses = 0;

  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  /**
   * After an interruption with batches in `accumulate` parts, `safe` being the last step that is stored; null: there is no way on.
   * A lost device comes back and does the same again; without memory the batch is computed in twice as many parts, down to single images.
   */
  next(reason: InterruptionCode, { safe, accumulate }: { safe: number; accumulate: number }): WayOn | null {
    switch (reason) {
      case 'device-lost':
        if (safe > this.#furthest) this.#losses = 0;
        this.#furthest = Math.max(this.#furthest, safe);
        return ++this.#losses > LOSSES_IN_A_ROW ? null : { renew: true, accumulate };
      case 'out-of-memory':
        return accumulate >= this.#batchSize
          ? null
          : { renew: false, accumulate: Math.min(2 * accumulate, this.#batchSize) };
      default:
        return reason satisfies never;
    }
  }
}
