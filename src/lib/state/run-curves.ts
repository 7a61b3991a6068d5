// What a run's events add up to: curves, the last of each kind, marks. The same for a live run and one read from storage.
import type { ErrorData } from '$lib/core/errors';
import type { RunEvent } from '$lib/training/events';
import { StepColumns } from './step-columns';

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** A moment for the log: everything but the ten-a-second kinds. */
export interface LogEntry {
  /** Milliseconds since 1970; 0 where it is not known. */
  time: number;
  event: Exclude<RunEvent, { type: 'progress' | 'validating' }>;
}

/** Grows as events are taken; arrays keep their identity, so a reader compares `revision`. */
export class RunCurves {
  revision = 0;
  started: EventOf<'started'> | null = null;
  latest: EventOf<'progress'> | null = null;
  validating: EventOf<'validating'> | null = null;
  finished: EventOf<'finished'> | null = null;
  error: ErrorData | null = null;
  readonly notices: string[] = [];
  /** What it started from; null for random numbers. */
  weights: EventOf<'weights'> | null = null;
  /** How far the features of the frozen backbone are; null where none are computed. */
  features: EventOf<'features'> | null = null;
  phase: EventOf<'phase'> | null = null;
  readonly epochs: EventOf<'epoch'>[] = [];
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
    loss: 'mean',
    learningRate: 'last',
    imagesPerSecond: 'mean',
    memoryBytes: 'last',
  });

  /** `time` in milliseconds since 1970, for the log. */
  take(event: RunEvent, time = 0): void {
    this.revision++;
    if (this.#isMoment(event)) this.log.push({ time, event });
    switch (event.type) {
      case 'started':
        this.started = event;
        this.finished = null;
        this.error = null;
        // A resumed run repeats the steps since its checkpoint; the first attempt's end must not make the curve go back.
        if (event.fromStep > 0) this.resumes.push(event.fromStep);
        this.#forgetFrom(event.fromStep);
        break;
      case 'progress':
        this.latest = event;
        this.validating = null;
        this.steps.add({ ...event, epoch: event.step / (this.started?.stepsPerEpoch ?? 1) });
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
      case 'epoch':
        this.epochs.push(event);
        this.validating = null;
        break;
      case 'checkpoint':
        this.checkpoints.push(event);
        break;
      case 'evaluated':
        this.evaluated.push(event);
        break;
      case 'finished':
        this.finished = event;
        break;
      case 'failed':
        this.error = event.error;
        break;
      default:
        event satisfies never;
    }
  }

  /** Of the features only that all are there, once: a last batch may say so before the end does. */
  #isMoment(event: RunEvent): event is LogEntry['event'] {
    if (event.type === 'progress' || event.type === 'validating') return false;
    if (event.type !== 'features') return true;
    return event.done === event.total && this.log.at(-1)?.event.type !== 'features';
  }

  /** Values of one metric ('val_accuracy') by epoch; epochs count from 1. */
  metric(name: string): { x: number[]; y: number[] } {
    const known = this.epochs.filter(({ metrics }) => metrics[name] !== undefined);
    return { x: known.map(({ epoch }) => epoch), y: known.map(({ metrics }) => metrics[name]) };
  }

  /** Names of all metrics that an epoch told, in the order of their first use. */
  metricNames(): string[] {
    return [...new Set(this.epochs.flatMap(({ metrics }) => Object.keys(metrics)))];
  }

  #forgetFrom(step: number): void {
    this.steps.forgetAfter('step', step);
    forget(this.epochs, step);
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
