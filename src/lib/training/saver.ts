// Writes checkpoints behind the training that goes on, never two at once, and spaces those that nobody asked for so that all of it
// takes under 3% of the time. Measures; knows no storage.

/** Saving takes at most this share of the time. */
const SHARE = 0.03;

export interface SaverOptions {
  /** Milliseconds of work after which something is to be saved. */
  autosaveMs: number;
  now: () => number;
}

/**
 * What a saving costs is the time for which training is held (the copy) and what the steps beside the writing take longer than
 * usual: writing alone may last long and cost nothing.
 */
export class Saver {
  readonly #now: () => number;
  readonly #autosaveMs: number;
  #savedAt: number;
  /** Of the last saving; 0 makes the first one always affordable. */
  #cost = 0;
  /** Milliseconds for which copies held training: of the saving under way, and since it began. */
  #held = 0;
  #heldSince = 0;
  /** Of a step that nothing is written beside. */
  #usual: number | null = null;
  #lastStep: number;
  /** Milliseconds that steps beside the present writing took longer. */
  #slower = 0;
  #beside = false;
  #writing: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  constructor({ autosaveMs, now }: SaverOptions) {
    this.#autosaveMs = autosaveMs;
    this.#now = now;
    this.#savedAt = now();
    this.#lastStep = now();
  }

  /** Whether a saving that nobody asked for keeps to the share. Never while one is under way. */
  get affordable(): boolean {
    return this.#writing === null && this.#now() - this.#savedAt >= this.#cost / SHARE;
  }

  /** Whether it is time for one. */
  get due(): boolean {
    return this.affordable && this.#now() - this.#savedAt >= this.#autosaveMs;
  }

  /** At each step boundary. Throws what the last writing threw. */
  stepped(): void {
    const now = this.#now();
    const took = now - this.#lastStep;
    this.#lastStep = now;
    if (this.#beside) {
      this.#slower += took - (this.#usual ?? took);
      // Known only now what it cost: it ended during this step.
      if (this.#writing === null) this.#account();
    } else {
      this.#usual = this.#usual === null ? took : this.#usual + (took - this.#usual) * 0.25;
    }
    this.#throwFailure();
  }

  /** Time that is no work: a validation, a pause. */
  skip(): void {
    const now = this.#now();
    this.#savedAt += now - this.#lastStep;
    this.#lastStep = now;
  }

  /** Training was held for this long by a copy, which the next saving pays for. */
  held(milliseconds: number): void {
    this.#heldSince += milliseconds;
    this.#lastStep = this.#now();
  }

  /** Starts `write` once the one before has ended, and returns. `stored` is called when it is done. */
  async write(write: () => Promise<void>, stored: () => void): Promise<void> {
    const waited = this.#now();
    await this.flush();
    this.held(this.#now() - waited);
    this.#account();
    this.#held = this.#heldSince;
    this.#heldSince = 0;
    this.#savedAt = this.#now();
    this.#beside = true;
    this.#writing = write()
      .then(stored, (error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#writing = null;
      });
    // Handing the arrays to storage clones them, on this thread.
    this.#held += this.#now() - this.#savedAt;
    this.#lastStep = this.#now();
  }

  /** Waits for the writing under way. Throws what it threw. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
  }

  /** As {@link flush}, for the end: throws nothing. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #account(): void {
    if (this.#beside) this.#cost = this.#held + Math.max(0, this.#slower);
    this.#slower = 0;
    this.#beside = false;
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
  }
}
