// Turns what a device does wrong into errors that a person and the training loop understand. gpu-watch.ts does it for WebGPU,
// which tells late; here is the contract, and the processor, which tells at once.

import { TrainyardError } from '$lib/core/errors';

export interface DeviceWatch {
  /** Settles when the device is lost, with the reason. */
  readonly lost: Promise<string>;
  /**
   * Runs what allocates and enqueues. What it throws for the device's sake becomes 'out-of-memory' or 'device-lost'; so does what
   * the device tells later, by which `accepted` rejects. Nobody has to listen to that.
   */
  enqueue<T>(work: () => T): { value: T; accepted: Promise<void> };
  /** Waits for the device, with the same errors; those of `accepted`, which is what `work` reads, come first. */
  wait<T>(work: () => Promise<T>, accepted?: Promise<void>): Promise<T>;
  /** Frees what is held for reuse. After 'out-of-memory' some of that may be broken. */
  recover(): void;
}

export function outOfMemory(found: string, cause?: unknown): TrainyardError {
  return new TrainyardError(
    'out-of-memory',
    `The device has too little memory for this batch: ${found}`,
    'Use a smaller batch or smaller images, or compute each batch in more parts (training.accumulate).',
    { cause },
  );
}

export function deviceLost(reason: string): TrainyardError {
  return new TrainyardError(
    'device-lost',
    `The graphics processor was lost: ${reason}`,
    'The run can go on from its last checkpoint; if it happens again, close other pages that use it or update its driver.',
    { badInput: false },
  );
}

/** A processor is never lost; memory that it does not have it refuses at once. */
export class HostWatch implements DeviceWatch {
  readonly lost = new Promise<string>(() => {});
  readonly #isFull: () => boolean;

  /** `isFull`: whether WebAssembly that aborts does so for want of memory, which it does not say. */
  constructor(isFull: () => boolean = () => false) {
    this.#isFull = isFull;
  }

  enqueue<T>(work: () => T): { value: T; accepted: Promise<void> } {
    try {
      return { value: work(), accepted: Promise.resolve() };
    } catch (error) {
      throw this.#told(error);
    }
  }

  async wait<T>(work: () => Promise<T>, accepted?: Promise<void>): Promise<T> {
    try {
      await accepted;
      return await work();
    } catch (error) {
      throw this.#told(error);
    }
  }

  recover(): void {
    // tfjs keeps nothing here.
  }

  #told(error: unknown): unknown {
    if (error instanceof WebAssembly.RuntimeError && this.#isFull()) {
      return outOfMemory(`WebAssembly ended with "${error.message}" when its memory was full.`, error);
    }
    return refusal(error) ?? error;
  }
}

/** Engines say it in their own words: V8 'Array buffer allocation failed', 'Invalid typed array length'; others 'Out of memory'. */
export function refusal(error: unknown): TrainyardError | null {
  const refused = error instanceof RangeError && /alloca|memory|array (buffer )?length|too large/i.test(error.message);
  return refused ? outOfMemory(`${error.message}.`, error) : null;
}
