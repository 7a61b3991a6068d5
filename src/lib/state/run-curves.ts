// What a run's events add up to: curves, the last of each kind, marks. The same for a live run and one read from storage.
import type { ErrorData } from '$lib/core/errors';
import type { FailureDetail, RunEvent } from '$lib/training/events';
import { RunClock } from './run-clock';
import { NormColumns } from './run-norms';
import { StepColumns } from './step-columns';

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** A moment for the log: everything but what comes many times an epoch. */
export interface LogEntry {
  /** Milliseconds since 1970; 0 where it is not known. */
  time: number;
  event: Exclude<RunEvent, { type: 'progress' | 'validating' | 'norms' }>;
}

/** What curves are drawn over: epochs with fractions, steps, or seconds of training. */
export type Axis = 'epoch' | 'step' | 'seconds';

/** Where a validation is on each axis. */
type Position = Readonly<Record<Axis, number>>;

/** Grows as events are taken; arrays keep their identity, so a reader compares `revision`. */
export class RunCurves {
  revision = 0;
  started: EventOf<'started'> | null = null;
  latest: EventOf<'progress'> | null = null;
  validating: EventOf<'validating'> | null = null;
  finished: EventOf<'finished'> | null = null;
  error: ErrorData | null = null;
  /** Of a loss that is no number or exploded. */
  failure: FailureDetail | null = null;
  /** Step at which the run is held; null while it is not. */
  paused: number | null = null;
  readonly notices: string[] = [];
  /** What it started from; null for random numbers. */
  weights: EventOf<'weights'> | null = null;
  /** How far the features of the frozen backbone are; null where none are computed. */
  features: EventOf<'features'> | null = null;
  phase: EventOf<'phase'> | null = null;
  memory: EventOf<'memory'> | null = null;
  adapted: EventOf<'adapted'> | null = null;
  readonly away: EventOf<'away'>[] = [];
  /** Whole ones. */
  readonly epochs: EventOf<'epoch'>[] = [];
  /** At the ends of epochs and between them. */
  readonly validations: (EventOf<'epoch'> & { at: Position })[] = [];
  readonly checkpoints: EventOf<'checkpoint'>[] = [];
  readonly evaluated: EventOf<'evaluated'>[] = [];
  /** What happened, in order; also what a later resume took back, as it did happen. */
  readonly log: LogEntry[] = [];
  /** Steps at which the run went on after an interruption. */
  readonly resumes: number[] = [];
  /** By progress event; `epoch` is fractional: 2.5 is half-way through the third. */
  readonly steps = new StepColumns({
    step: 'last',
    epoch: 'last',
    seconds: 'last',
    loss: 'mean',
    learningRate: 'last',
    imagesPerSecond: 'mean',
    memoryBytes: 'last',
  });
  /** Milliseconds a step, of the progress events that tell them. */
  readonly timing = new StepColumns({
    step: 'last',
    epoch: 'last',
    seconds: 'last',
    data: 'mean',
    upload: 'mean',
    compute: 'mean',
    read: 'mean',
  });
  readonly norms = new NormColumns();
  readonly #clock = new RunClock();

  /** `time` in milliseconds since 1970, for the log and the axis of time. */
  take(event: RunEvent, time = 0): void {
    this.revision++;
    if (this.#isMoment(event)) this.log.push({ time, event });
    switch (event.type) {
      case 'started':
        this.started = event;
        this.finished = null;
        this.error = null;
        this.failure = null;
        this.paused = null;
        // A resumed run repeats the steps since its checkpoint; the first attempt's end must not make the curve go back.
        if (event.fromStep > 0) this.resumes.push(event.fromStep);
        this.#forgetFrom(event.fromStep);
        this.#clock.start(time, this.steps.last('seconds') ?? 0);
        break;
      case 'progress': {
        this.latest = event;
        this.validating = null;
        const at = this.#at(event.step, time);
        this.steps.add({ ...event, ...at });
        if (event.timing) this.timing.add({ ...event.timing, ...at });
        break;
      }
      case 'norms':
        this.norms.add(this.#at(event.step, time), event.layers);
        break;
      case 'paused':
        this.paused = event.step;
        this.#clock.hold(time);
        break;
      case 'continued':
        this.paused = null;
        this.#clock.goOn(time);
        break;
      case 'away':
        this.away.push(event);
        this.#clock.leaveOut(event.seconds);
        break;
      case 'memory':
        this.memory = event;
        break;
      case 'adapted':
        this.adapted = event;
        break;
      case 'notice':
        this.notices.push(event.message);
        break;
      case 'validating':
        this.validating = event;
        break;
      case 'weights':
        this.weights = event;
        break;
      case 'features':
        this.features = event;
        break;
      case 'phase':
        this.phase = event;
        break;
      case 'epoch': {
        const at = this.#at(event.step, time);
        // The end of an epoch is at its whole number, however many steps its last batches were.
        this.validations.push({ ...event, at: event.within === true ? at : { ...at, epoch: event.epoch } });
        if (event.within !== true) this.epochs.push(event);
        this.validating = null;
        break;
      }
      case 'checkpoint':
        this.checkpoints.push(event);
        break;
      case 'evaluated':
        this.evaluated.push(event);
        break;
      case 'finished':
        this.finished = event;
        this.paused = null;
        break;
      case 'failed':
        this.error = event.error;
        this.failure = event.detail ?? null;
        this.paused = null;
        break;
      default:
        event satisfies never;
    }
  }

  /** Of the features only that all are there, once: a last batch may say so before the end does. */
  #isMoment(event: RunEvent): event is LogEntry['event'] {
    if (event.type === 'progress' || event.type === 'validating' || event.type === 'norms') return false;
    if (event.type !== 'features') return true;
    return event.done === event.total && this.log.at(-1)?.event.type !== 'features';
  }

  /** Values of one metric ('val_accuracy'), by epoch unless asked otherwise; epochs count from 1. */
  metric(name: string, axis: Axis = 'epoch'): { x: number[]; y: number[] } {
    const known = this.validations.filter(({ metrics }) => metrics[name] !== undefined);
    return { x: known.map(({ at }) => at[axis]), y: known.map(({ metrics }) => metrics[name]) };
  }

  /** Names of all metrics that an epoch told, in the order of their first use. */
  metricNames(): string[] {
    return [...new Set(this.validations.flatMap(({ metrics }) => Object.keys(metrics)))];
  }

  /** The validation that is the best so far. */
  best(): (EventOf<'epoch'> & { at: Position }) | null {
    return this.validations.findLast(({ best }) => best) ?? null;
  }

  #at(step: number, time: number): Position {
    return { step, epoch: step / (this.started?.stepsPerEpoch ?? 1), seconds: this.#clock.seconds(time) };
  }

  #forgetFrom(step: number): void {
    this.steps.forgetAfter('step', step);
    this.timing.forgetAfter('step', step);
    this.norms.forgetAfter(step);
    forget(this.epochs, step);
    forget(this.validations, step);
    forget(this.checkpoints, step);
  }
}

function forget(events: { step: number }[], step: number): void {
  const first = events.findIndex((event) => event.step > step);
  if (first >= 0) events.length = first;
}

export function curvesOf(events: Iterable<RunEvent>): RunCurves {
  const curves = new RunCurves();
  for (const event of events) curves.take(event);
  return curves;
}
