// A profile of one training step, made when somebody asks for it. Nothing of it is stored.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { TrainApi, TrainRequest } from '$lib/rpc/protocol';

export type Profile = Awaited<ReturnType<TrainApi['profile']>>;

export class StepProfiler {
  profile = $state.raw<Profile | null>(null);
  error = $state.raw<ErrorData | null>(null);
  busy = $state(false);
  readonly #train: TrainApi;
  #taskId = '';

  constructor(train: TrainApi) {
    this.#train = train;
  }

  /** Never rejects: `error` says what went wrong, nothing where it was cancelled. */
  async run(request: TrainRequest): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    this.#taskId = crypto.randomUUID();
    try {
      this.profile = await this.#train.profile({ ...request, taskId: this.#taskId });
    } catch (error) {
      const data = serializeError(error);
      if (data.code !== 'cancelled') this.error = data;
    } finally {
      this.busy = false;
    }
  }

  async cancel(): Promise<void> {
    if (this.busy) await this.#train.cancel(this.#taskId);
  }
}
