// What a run's events add up to: curves, the last of each kind, marks. The same for a live run and one read from storage.
import type { ErrorData } from '$lib/core/errors';
import type { RunEvent } from '$lib/training/events';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** Grows as events are taken; arrays keep their identity, so a reader compares `revision`. */
export class RunCurves {
  revision = 0;
  started: EventOf<'started'> | null = null;
  latest: EventOf<'progress'> | null = null;
  validating: EventOf<'validating'> | null = null;
  finished: EventOf<'finished'> | null = null;
  error: ErrorData | null = null;
  readonly notices: string[] = [];
  readonly epochs: EventOf<'epoch'>[] = [];
  readonly checkpoints: EventOf<'checkpoint'>[] = [];
  readonly evaluated: EventOf<'evaluated'>[] = [];
  /** One entry per progress event. `epoch` is fractional: 2.5 is half-way through the third. */
  readonly steps = {
    step: [] as number[],
    epoch: [] as number[],
    loss: [] as number[],
    learningRate: [] as number[],
    imagesPerSecond: [] as number[],
    memoryBytes: [] as number[],
  };

  take(event: RunEvent): void {
    this.revision++;
    switch (event.type) {
      case 'started':
        this.started = event;
        this.finished = null;
        this.error = null;
        // A resumed run repeats the steps since its checkpoint; the first attempt's end must not make the curve go back.
        this.#forgetFrom(event.fromStep);
        break;
      case 'progress': {
        this.latest = event;
        this.validating = null;
        const { steps } = this;
        steps.step.push(event.step);
        steps.epoch.push(event.step / (this.started?.stepsPerEpoch ?? 1));
        steps.loss.push(event.loss);
        steps.learningRate.push(event.learningRate);
        steps.imagesPerSecond.push(event.imagesPerSecond);
        steps.memoryBytes.push(event.memoryBytes);
        break;
      }
      case 'notice':
        this.notices.push(event.message);
        break;
      case 'validating':
        this.validating = event;
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

  /** Values of one metric by epoch: for 'val_accuracy' etc. Epochs count from 1 here, as people do. */
  metric(name: string): { x: number[]; y: number[] } {
    const known = this.epochs.filter(({ metrics }) => metrics[name] !== undefined);
    return { x: known.map(({ epoch }) => epoch + 1), y: known.map(({ metrics }) => metrics[name]) };
  }

  #forgetFrom(step: number): void {
    const keep = this.steps.step.findIndex((at) => at > step);
    if (keep >= 0) for (const column of Object.values(this.steps)) column.length = keep;
    const epoch = this.epochs.findIndex((event) => event.step > step);
    if (epoch >= 0) this.epochs.length = epoch;
    const checkpoint = this.checkpoints.findIndex((event) => event.step > step);
    if (checkpoint >= 0) this.checkpoints.length = checkpoint;
  }
}

export function curvesOf(events: Iterable<RunEvent>): RunCurves {
  const curves = new RunCurves();
  for (const event of events) curves.take(event);
  return curves;
}
