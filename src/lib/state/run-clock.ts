// Seconds that a run has trained, from the times of its events: without pauses, and without what lies between two sittings.

export class RunClock {
  /** Seconds before `#since`. */
  #before = 0;
  /** Milliseconds since 1970; null while the clock stands. */
  #since: number | null = null;

  /** A sitting begins; `seconds` are those that the steps up to its first one took. */
  start(time: number, seconds: number): void {
    this.#before = seconds;
    this.#since = time;
  }

  hold(time: number): void {
    this.#before = this.seconds(time);
    this.#since = null;
  }

  goOn(time: number): void {
    this.#since ??= time;
  }

  /** The browser held the tab still: nothing was computed. */
  leaveOut(seconds: number): void {
    if (this.#since !== null) this.#since += seconds * 1000;
  }

  seconds(time: number): number {
    return this.#before + (this.#since === null ? 0 : Math.max(0, time - this.#since) / 1000);
  }
}
