// The steps that are enqueued and whose losses are not known yet: waits for them in their order, and for no more than it must. Ends
// the run where a loss is one that nothing can go on from.

import type { LazyNorms, LazyScalar } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { RunEvent } from './events';
import { lossFailure, LossWatch, type FailureKind, type LossFailure } from './explosion';
import type { Meter } from './meter';
import { NormLog } from './norms';

export interface UnderWayOptions {
  job: Job;
  /** Steps of earlier phases, for what is told. */
  stepsBefore: number;
  meter: Meter;
  now: () => number;
  /** Epoch of the best checkpoint so far, for the error. */
  bestEpoch(): number | null;
  /** A loss came to be known. */
  onLoss(loss: number): void;
  tell(event: Extract<RunEvent, { type: 'norms' }>): void;
}

/** Where a step belongs: `number` from 0 within the loop, `epoch` as told. */
export interface StepPlace {
  number: number;
  epoch: number;
  rate: number;
}

interface StepInFlight extends StepPlace {
  loss: Promise<number>;
  /** The promise is settled. */
  known: boolean;
  images: number;
}

export class StepsUnderWay {
  readonly #options: UnderWayOptions;
  readonly #watch = new LossWatch();
  readonly #norms = new NormLog();
  readonly #steps: StepInFlight[] = [];

  constructor(options: UnderWayOptions) {
    this.#options = options;
  }

  /**
   * What the engine is to find out with the step of this number. The gradients with each, for the case that its loss fails: on a GPU
   * that is three small kernels, on the host one pass over what is there.
   */
  norms(number: number): 'all' | 'gradient' {
    return this.#isShown(number) ? 'all' : 'gradient';
  }

  /** Takes what the engine gave. */
  add(given: { loss: LazyScalar; norms: LazyNorms | null }, place: StepPlace & { images: number }): void {
    if (given.norms !== null) this.#norms.add(place.number, given.norms);
    const step: StepInFlight = { ...place, loss: given.loss.read(), known: false };
    const know = (): void => {
      step.known = true;
    };
    // A failure is heard where the promise is awaited in its turn; until then it must not count as one that nobody handles.
    step.loss.then(know, know);
    this.#steps.push(step);
  }

  /** Takes the losses that are known, and waits until at most `left` steps are under way. Throws LossFailure. */
  async settle(left: number): Promise<void> {
    const { meter, now, onLoss } = this.#options;
    for (let next = this.#steps[0]; this.#steps.length > left || next?.known; next = this.#steps[0]) {
      const { known } = next;
      const started = now();
      // The one synchronisation of training: it waits for a step that lies some behind, whose 4 bytes were put on their way to the
      // host right behind it, so the device goes on with the steps after it.
      // One that cannot be read stays the first: whoever settles again hears it again, and nobody trusts the steps behind it.
      const loss = await next.loss;
      meter.spend(known ? 'read' : 'compute', now() - started);
      this.#steps.shift();
      const failure = this.#watch.see(loss);
      if (failure !== null) throw await this.failure(failure, next, loss);
      meter.add(loss, next.images);
      onLoss(loss);
      if (this.#isShown(next.number)) await this.#tellNorms(next);
    }
  }

  /** The error for a step behind which nothing goes on. */
  async failure(kind: FailureKind, { number, rate, epoch }: StepPlace, loss: number): Promise<LossFailure> {
    const { job, stepsBefore, bestEpoch } = this.#options;
    const { gradients, at } = await this.#norms.gradients(number, kind !== 'not-finite');
    const detail = {
      step: stepsBefore + number + 1,
      learningRate: rate,
      loss,
      gradients,
      ...(at !== null && at !== number && { gradientsAt: stepsBefore + at + 1 }),
    };
    return lossFailure(kind, detail, { epoch, best: bestEpoch(), job });
  }

  /** Waits for what is under way, whatever becomes of it. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#steps.map(({ loss }) => loss));
    this.#norms.dispose();
  }

  #isShown(number: number): boolean {
    const { norms_every: every } = this.#options.job.monitoring;
    return every > 0 && (number + 1) % every === 0;
  }

  async #tellNorms({ number, epoch }: StepPlace): Promise<void> {
    const { meter, now, stepsBefore, tell } = this.#options;
    const started = now();
    const layers = await this.#norms.layers(number);
    meter.spend('read', now() - started);
    if (layers !== null) tell({ type: 'norms', step: stepsBefore + number + 1, epoch, layers });
  }
}
