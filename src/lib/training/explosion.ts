// When a loss has left the range of anything that learns, and the error that says so. Sees numbers only.

import { TrainyardError } from '$lib/core/errors';
import { formatSignificant } from '$lib/core/format';
import type { Job } from '$lib/job/job';
import type { FailureDetail } from './events';

/**
 * Losses of which more than half must be out of range. Where one batch in twenty is wrong by far, that happens once in forty million
 * steps.
 */
const WINDOW = 16;

/**
 * How many times the first loss, or 1 where that is smaller, is out of range. A classifier that learnt nothing has ln(classes), at most
 * 10; that knows nothing and is sure of it some tens. Runs at the peak of one cycle, after unfreezing or with warm restarts
 * reach a few times their first loss and come back. A median of 100 times is a network whose outputs grow without bound.
 */
const FACTOR = 100;

/** Watches the losses of a run in their order. */
export class LossWatch {
  #reference: number | null = null;
  readonly #recent: number[] = [];

  /** Null while the loss is one to go on with. */
  see(loss: number): 'not-finite' | 'exploded' | null {
    if (!Number.isFinite(loss)) return 'not-finite';
    this.#reference ??= Math.max(1, Math.abs(loss));
    this.#recent.push(Math.abs(loss));
    if (this.#recent.length > WINDOW) this.#recent.shift();
    return this.#recent.length === WINDOW && this.#median() > FACTOR * this.#reference ? 'exploded' : null;
  }

  #median(): number {
    return this.#recent.toSorted((a, b) => a - b)[(this.#recent.length - 1) >> 1];
  }
}

/** What ended a run, with what is known of it as data. */
export class LossFailure extends TrainyardError {
  readonly detail: FailureDetail;

  constructor({ code, message, hint, badInput }: TrainyardError, detail: FailureDetail) {
    super(code, message, hint, { badInput });
    this.detail = detail;
  }
}

export type FailureKind = 'not-finite' | 'exploded' | 'weights';

/** `best` is the epoch of the best checkpoint that is kept. 'weights': the loss was fine, and what it made of the weights is not. */
export function lossFailure(
  kind: FailureKind,
  detail: FailureDetail,
  run: { epoch: number; best: number | null; job: Job },
): LossFailure {
  const { step, learningRate, loss } = detail;
  const at = `at step ${step} (epoch ${run.epoch}), at a learning rate of ${formatSignificant(learningRate)}.${largest(detail)}`;
  const hint = `${remedy(run.job)}${kept(run.best)}`;
  return new LossFailure(errorOf(kind, formatted(loss), at, hint), detail);
}

function errorOf(kind: FailureKind, loss: string, at: string, hint: string): TrainyardError {
  const ours = { badInput: false };
  switch (kind) {
    case 'not-finite':
      return new TrainyardError('loss-not-finite', `The loss became ${loss} ${at}`, hint, ours);
    case 'exploded':
      return new TrainyardError('loss-exploded', `The loss exploded to ${loss} ${at}`, hint, ours);
    case 'weights':
      return new TrainyardError('state-not-finite', `Weights became infinite or NaN ${at}`, hint, ours);
    default:
      return kind satisfies never;
  }
}

function largest({ gradients, gradientsAt }: FailureDetail): string {
  if (gradients.length === 0) return '';
  const layers = gradients.slice(0, 3).map(({ name, norm }) => `${name} ${formatted(norm)}`);
  const when = gradientsAt === undefined ? '' : ` of step ${gradientsAt}, the last one with numbers`;
  return ` Largest gradients${when}: ${layers.join(', ')}.`;
}

function formatted(value: number): string {
  return Number.isFinite(value) ? formatSignificant(value) : String(value);
}

/** What to try, from what the job does not do yet. */
function remedy({ optimizer, scheduler }: Job): string {
  const tries = ['Lower optimizer.learning_rate, to a tenth for a start'];
  if (optimizer.clip_norm === 0) tries.push('set optimizer.clip_norm to 1');
  if (scheduler.name !== 'one_cycle' && scheduler.warmup_epochs === 0) tries.push('set scheduler.warmup_epochs to 1');
  return tries.length === 1 ? `${tries[0]}.` : `${tries.slice(0, -1).join(', ')}, or ${tries[tries.length - 1]}.`;
}

function kept(bestEpoch: number | null): string {
  return bestEpoch === null ? '' : ` The best checkpoint, of epoch ${bestEpoch}, is kept.`;
}
