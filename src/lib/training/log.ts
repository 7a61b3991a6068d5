// Keeps a run's events: each goes to the listener at once, and into storage in portions.

import type { RunEvent, StepTiming } from './events';

type Progress = Extract<RunEvent, { type: 'progress' }>;

/** A curve needs no more than one point a second, and ten writes a second would slow training down. */
const WRITE_EVERY_MS = 1_000;

export interface RunLogOptions {
  listener: (event: RunEvent) => void;
  /** Appends to what is kept. */
  append: (events: readonly RunEvent[]) => Promise<unknown>;
  /** Milliseconds. */
  now?: () => number;
}

export class RunLog {
  readonly #listener: (event: RunEvent) => void;
  readonly #append: (events: readonly RunEvent[]) => Promise<unknown>;
  readonly #now: () => number;
  #unwritten: RunEvent[] = [];
  #progress: { sum: number; steps: number; timing: StepTiming | undefined; latest: Progress } | null = null;
  #lastStep = 0;
  #writtenAt: number;

  constructor({ listener, append, now = () => performance.now() }: RunLogOptions) {
    this.#listener = listener;
    this.#append = append;
    this.#now = now;
    this.#writtenAt = now();
  }

  /** Waits when there is something to write; throws what writing throws. */
  async add(event: RunEvent): Promise<void> {
    this.#listener(event);
    // Passing moments, told again by what follows.
    if (event.type === 'validating' || (event.type === 'features' && event.done < event.total)) return;
    if (event.type === 'progress') this.#merge(event);
    else {
      this.#endProgress();
      this.#unwritten.push(event);
    }
    if (event.type === 'started') this.#lastStep = event.fromStep;
    if (event.type !== 'progress' || this.#now() - this.#writtenAt >= WRITE_EVERY_MS) await this.flush();
  }

  async flush(): Promise<void> {
    this.#endProgress();
    if (this.#unwritten.length === 0) return;
    const events = this.#unwritten;
    this.#unwritten = [];
    this.#writtenAt = this.#now();
    await this.#append(events);
  }

  /** The kept loss and times are the means over all steps since the kept ones before. */
  #merge(event: Progress): void {
    const steps = Math.max(1, event.step - this.#lastStep);
    this.#lastStep = event.step;
    const before = this.#progress ?? { sum: 0, steps: 0, timing: undefined };
    this.#progress = {
      sum: before.sum + event.loss * steps,
      steps: before.steps + steps,
      timing: added(before.timing, event.timing, steps),
      latest: event,
    };
  }

  #endProgress(): void {
    if (this.#progress === null) return;
    const { sum, steps, timing, latest } = this.#progress;
    const means = timing && { timing: added(undefined, timing, 1 / steps) };
    this.#unwritten.push({ ...latest, loss: sum / steps, ...means });
    this.#progress = null;
  }
}

/** `sum` and `times` times `factor`. */
function added(sum: StepTiming | undefined, times: StepTiming | undefined, factor: number): StepTiming | undefined {
  if (times === undefined) return sum;
  const of = (part: keyof StepTiming): number => (sum?.[part] ?? 0) + times[part] * factor;
  return { data: of('data'), upload: of('upload'), compute: of('compute'), read: of('read') };
}
