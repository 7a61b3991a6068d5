// Decides from validation values which weights are the best, which are among the best few, when the rate falls on a plateau and
// when to give up. Pure but for what it remembers.

import { formatPlural, formatSignificant } from '$lib/core/format';
import type { Job } from '$lib/job/job';
import type { CheckpointRecord, CheckpointSlot } from '$lib/storage/records';
import type { MetricInfo, Task } from '$lib/tasks/contract';
import { PLATEAU_START, plateauAfter, type PlateauState } from './plateau';

/** The metric that decides; the task's primary one unless the job names another. */
export function chooseMetric(job: Job, task: Task): MetricInfo {
  const id = job.validation.metric === '' ? task.primaryMetric : job.validation.metric;
  const metric = task.metrics.find((candidate) => candidate.id === id);
  // The schema offers the task's metrics alone.
  if (metric === undefined) throw new Error(`"${id}" is no metric of ${task.id}`);
  return metric;
}

type Carried = NonNullable<CheckpointRecord['carried']>;
type TopEntry = NonNullable<Carried['top']>[number];

/** What of a job the judge goes by. */
export type JudgeRules = Pick<Job, 'early_stopping' | 'scheduler' | 'checkpoints'>;

export interface Verdict {
  /** The best so far. Of equal ones the earlier stays the best. */
  best: boolean;
  /** Belongs to the best few, under this slot. */
  top: CheckpointSlot | null;
  /** Slots that fell out of the best few. */
  dropped: readonly CheckpointSlot[];
}

/** Of an epoch without a validation. */
export const NOTHING_SEEN: Verdict = { best: false, top: null, dropped: [] };

export class Judge {
  readonly #metric: MetricInfo;
  readonly #rules: JudgeRules;
  #best: Carried['best'];
  #reference: number | null;
  #waited: number;
  #plateau: PlateauState;
  #top: readonly TopEntry[];

  constructor(metric: MetricInfo, rules: JudgeRules, carried?: Carried) {
    this.#metric = metric;
    this.#rules = rules;
    this.#best = carried?.best ?? null;
    this.#reference = carried?.stopping.reference ?? null;
    this.#waited = carried?.stopping.waited ?? 0;
    this.#plateau = carried?.plateau ?? PLATEAU_START;
    this.#top = carried?.top ?? [];
  }

  /**
   * Takes the values of a validation in `epoch`; `slot` is what its checkpoint would be called among the best few. In a warm-up the
   * plateau's schedule watches nothing.
   */
  see(values: Readonly<Record<string, number>>, epoch: number, slot: CheckpointSlot, warmsUp = false): Verdict {
    const value = values[`val_${this.#metric.id}`] as number | undefined;
    const best = value !== undefined && this.#exceeds(value, this.#best?.value ?? null, 0);
    if (best) this.#best = { value, epoch };
    if (value !== undefined && this.#exceeds(value, this.#reference, this.#rules.early_stopping.min_delta)) {
      this.#reference = value;
      this.#waited = 0;
    } else {
      this.#waited++;
    }
    if (!warmsUp) this.#watch(value ?? null, this.#metric.better);
    return { best, ...this.#rank(value, slot) };
  }

  /** Instead of {@link see} where nothing is held out: the plateau's schedule goes by the loss of training. */
  seeTraining(loss: number, warmsUp: boolean): void {
    if (!warmsUp) this.#watch(loss, 'lower');
  }

  /** At the start of a segment: patience and the plateau's schedule begin anew, what was reached stays. */
  restart(): void {
    this.#waited = 0;
    this.#plateau = PLATEAU_START;
  }

  /** Null until a validation gave a value. */
  get best(): { metric: string; value: number; epoch: number } | null {
    return this.#best === null ? null : { metric: `val_${this.#metric.id}`, ...this.#best };
  }

  get plateau(): PlateauState {
    return this.#plateau;
  }

  get givesUp(): boolean {
    const { enabled, patience } = this.#rules.early_stopping;
    return enabled && this.#waited >= patience;
  }

  /** Why, as a sentence. */
  get reason(): string {
    const waited = formatPlural(this.#waited, 'validation');
    const best =
      this.#best === null ? '' : ` The best is ${formatSignificant(this.#best.value)} of epoch ${this.#best.epoch}.`;
    return `Stopped early: ${this.#metric.title.toLowerCase()} has not improved for ${waited}.${best}`;
  }

  state(): Pick<Carried, 'best' | 'stopping' | 'plateau' | 'top'> {
    return {
      best: this.#best,
      stopping: { reference: this.#reference, waited: this.#waited },
      ...(this.#rules.scheduler.name === 'plateau' && { plateau: this.#plateau }),
      ...(this.#rules.checkpoints.top_k > 0 && { top: this.#top }),
    };
  }

  #watch(value: number | null, better: 'higher' | 'lower'): void {
    if (this.#rules.scheduler.name !== 'plateau') return;
    this.#plateau = plateauAfter(this.#plateau, value, better, this.#rules.scheduler);
  }

  #rank(value: number | undefined, slot: CheckpointSlot): Pick<Verdict, 'top' | 'dropped'> {
    const count = this.#rules.checkpoints.top_k;
    if (value === undefined || Number.isNaN(value) || count === 0) return { top: null, dropped: [] };
    const place = this.#top.findIndex((entry) => this.#exceeds(value, entry.value, 0));
    const ranked = this.#top.toSpliced(place === -1 ? this.#top.length : place, 0, { slot, value });
    this.#top = ranked.slice(0, count);
    const dropped = ranked.slice(count).map((entry) => entry.slot);
    return dropped.includes(slot) ? { top: null, dropped: [] } : { top: slot, dropped };
  }

  #exceeds(value: number, reference: number | null, margin: number): boolean {
    if (reference === null) return !Number.isNaN(value);
    return this.#metric.better === 'higher' ? value > reference + margin : value < reference - margin;
  }
}
