// Rate, mean loss and where the time goes of a run under way, from the times at which steps ended. Keeps no tensor.

import type { StepTiming } from './events';

/** Long enough to be steady at half a second a step, short enough to follow a change. */
const WINDOW_MS = 5_000;

export interface MeterReading {
  /** Mean over the steps since the last reading. */
  loss: number;
  imagesPerSecond: number;
  timing: StepTiming;
}

interface Mark {
  at: number;
  images: number;
}

export class Meter {
  readonly #now: () => number;
  #marks: Mark[] = [];
  #images = 0;
  #lossSum = 0;
  #steps = 0;
  #rate = 0;
  #latest = NaN;
  #spent: StepTiming = { data: 0, upload: 0, compute: 0, read: 0 };

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.restart();
  }

  /** Forgets the rate: after a pause (validation, a checkpoint) that is no training time. */
  restart(): void {
    this.#images = 0;
    this.#marks = [{ at: this.#now(), images: 0 }];
  }

  /** A step of `images` images has ended with this loss. */
  add(loss: number, images: number): void {
    const at = this.#now();
    this.#images += images;
    this.#marks.push({ at, images: this.#images });
    while (this.#marks.length > 2 && at - this.#marks[1].at > WINDOW_MS) this.#marks.shift();
    this.#lossSum += loss;
    this.#latest = loss;
    this.#steps++;
  }

  /** Milliseconds went into this. */
  spend(on: keyof StepTiming, milliseconds: number): void {
    this.#spent[on] += milliseconds;
  }

  /** Loss of the newest step; NaN before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** Steps since the last reading. */
  get steps(): number {
    return this.#steps;
  }

  /** Images a second over the last seconds; after a restart the one before, until a step has ended; 0 before the first. */
  get imagesPerSecond(): number {
    const first = this.#marks[0];
    const last = this.#marks[this.#marks.length - 1];
    if (last.at > first.at) this.#rate = ((last.images - first.images) * 1000) / (last.at - first.at);
    return this.#rate;
  }

  read(): MeterReading {
    const steps = this.#steps;
    const loss = this.#lossSum / steps;
    const { data, upload, compute, read } = this.#spent;
    const timing = { data: data / steps, upload: upload / steps, compute: compute / steps, read: read / steps };
    this.#lossSum = 0;
    this.#steps = 0;
    this.#spent = { data: 0, upload: 0, compute: 0, read: 0 };
    return { loss, imagesPerSecond: this.imagesPerSecond, timing };
  }
}
