// Decides from validation values which epoch is the best and when to give up. Pure but for what it remembers.

import { formatPlural, formatSignificant } from '$lib/core/format';
import type { Job } from '$lib/job/job';
import type { CheckpointRecord } from '$lib/storage/records';
import type { MetricInfo, Task } from '$lib/tasks/contract';

/** The metric that decides; the task's primary one unless the job names another. */
export function chooseMetric(job: Job, task: Task): MetricInfo {
  const id = job.validation.metric === '' ? task.primaryMetric : job.validation.metric;
  const metric = task.metrics.find((candidate) => candidate.id === id);
  // The schema offers the task's metrics alone.
  if (metric === undefined) throw new Error(`"${id}" is no metric of ${task.id}`);
  return metric;
}

type Carried = NonNullable<CheckpointRecord['carried']>;

export class Judge {
  readonly #metric: MetricInfo;
  readonly #stopping: Job['early_stopping'];
  #best: Carried['best'];
  #reference: number | null;
  #waited: number;

  constructor(metric: MetricInfo, stopping: Job['early_stopping'], carried?: Carried) {
    this.#metric = metric;
    this.#stopping = stopping;
    this.#best = carried?.best ?? null;
    this.#reference = carried?.stopping.reference ?? null;
    this.#waited = carried?.stopping.waited ?? 0;
  }

  /** Takes the validation values of an epoch; true where it is the best so far. Of equal ones the earlier stays the best. */
  see(values: Readonly<Record<string, number>>, epoch: number): boolean {
    const value = values[`val_${this.#metric.id}`];
    const better = value !== undefined && this.#exceeds(value, this.#best?.value ?? null, 0);
    if (better) this.#best = { value, epoch };
    if (value !== undefined && this.#exceeds(value, this.#reference, this.#stopping.min_delta)) {
      this.#reference = value;
      this.#waited = 0;
    } else {
      this.#waited++;
    }
    return better;
  }

  /** Null until a validation gave a value. */
  get best(): { metric: string; value: number; epoch: number } | null {
    return this.#best === null ? null : { metric: `val_${this.#metric.id}`, ...this.#best };
  }

  get givesUp(): boolean {
    return this.#stopping.enabled && this.#waited >= this.#stopping.patience;
  }

  /** Why, as a sentence. */
  get reason(): string {
    const waited = formatPlural(this.#waited, 'validation');
    const best =
      this.#best === null ? '' : ` The best is ${formatSignificant(this.#best.value)} of epoch ${this.#best.epoch}.`;
    return `Stopped early: ${this.#metric.title.toLowerCase()} has not improved for ${waited}.${best}`;
  }

  state(): Pick<Carried, 'best' | 'stopping'> {
    return { best: this.#best, stopping: { reference: this.#reference, waited: this.#waited } };
  }

  #exceeds(value: number, reference: number | null, margin: number): boolean {
    if (reference === null) return true;
    return this.#metric.better === 'higher' ? value > reference + margin : value < reference - margin;
  }
}
