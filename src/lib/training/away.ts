// Notices that the thread stood still: a frozen tab, a computer that slept. Compares the time between two steps with the usual one.

/** Below this nobody has missed anything. */
const LEAST_MS = 10_000;
/** So many usual steps without one: no batch takes that much longer than the others. */
const USUAL_TIMES = 20;
/** Steps until the usual time is known; the first ones compile shaders. */
const KNOWN_AFTER = 5;
/** Of so many steps the median is the usual time: one that took a minute does not make minutes usual. */
const REMEMBERED = 9;

export interface Clocks {
  /** Milliseconds; may stand still while the computer sleeps. */
  now(): number;
  /** Milliseconds since 1970; goes on meanwhile, and jumps when somebody sets the clock. */
  wall(): number;
}

export class AwayWatch {
  readonly #clocks: Clocks;
  #now: number;
  #wall: number;
  #recent: number[] = [];

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#now = clocks.now();
    this.#wall = clocks.wall();
  }

  /** Something else took time on purpose: a validation, a pause, a checkpoint. */
  skip(): void {
    this.#now = this.#clocks.now();
    this.#wall = this.#clocks.wall();
  }

  /** What comes is slower or faster than what was: steps are compiled anew. */
  restart(): void {
    this.skip();
    this.#recent = [];
  }

  /** At the end of each step. Seconds away, or null. */
  tick(): number | null {
    const elapsed = this.#clocks.now() - this.#now;
    const gap = Math.max(elapsed, this.#clocks.wall() - this.#wall);
    this.skip();
    const usual = this.#recent.toSorted((a, b) => a - b)[this.#recent.length >> 1];
    if (this.#recent.length >= KNOWN_AFTER && gap > Math.max(LEAST_MS, USUAL_TIMES * usual)) {
      return (gap - usual) / 1000;
    }
    this.#recent = [...this.#recent.slice(1 - REMEMBERED), elapsed];
    return null;
  }
}
