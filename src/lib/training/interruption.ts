// The end of a loop that is not the job's fault: the device is lost, or it has no memory left. Carries what is needed to go on.

import { TrainyardError } from '$lib/core/errors';
import type { LoopCheckpoint } from './loop';

const CODES = ['device-lost', 'out-of-memory'] as const;

export type InterruptionCode = (typeof CODES)[number];

/**
 * Thrown by the loop instead of the device's own error, which is its cause. Whoever catches it goes on from `checkpoint` with a
 * renewed device or in more parts, or from the newest stored checkpoint where it is null.
 */
export class Interruption extends TrainyardError {
  readonly reason: InterruptionCode;
  /** The last step boundary, whole; null where the device could no longer be read. */
  readonly checkpoint: LoopCheckpoint | null;

  constructor(error: TrainyardError, reason: InterruptionCode, checkpoint: LoopCheckpoint | null) {
    super(error.code, error.message, error.hint, { cause: error, badInput: error.badInput });
    this.reason = reason;
    this.checkpoint = checkpoint;
  }
}

/** Which interruption an error is; null for any other error. */
export function interruptionOf(error: unknown): InterruptionCode | null {
  if (!(error instanceof TrainyardError)) return null;
  return CODES.find((code) => code === error.code) ?? null;
}
