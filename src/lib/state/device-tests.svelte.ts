// Tests of a job on the device before it is run: the range of learning rates, and the batch sizes. Nothing of them is stored.
import { serializeError } from '$lib/core/errors';
import type { BatchSizeTrial, RangeTest, TrainApi, TrainRequest } from '$lib/rpc/protocol';

export type TestStatus = 'idle' | 'running' | 'done' | 'cancelled' | 'failed';
type Point = RangeTest['points'][number];

abstract class DeviceTest<Result> {
  status = $state<TestStatus>('idle');
  error = $state.raw<unknown>(null);
  result = $state.raw<Result | null>(null);
  #taskId = '';
  #cancelled = false;

  constructor(protected readonly api: TrainApi) {}

  /** Resolves when it has ended, whichever way. One at a time. */
  async run(request: TrainRequest): Promise<void> {
    if (this.status === 'running') return;
    const taskId = crypto.randomUUID();
    this.#taskId = taskId;
    this.#cancelled = false;
    this.status = 'running';
    this.error = null;
    this.result = null;
    this.clear();
    try {
      const result = await this.start({ ...request, taskId });
      // What was tried before the end is still worth a look; a suggestion from it is not.
      this.result = this.#cancelled ? null : result;
      this.status = this.#cancelled ? 'cancelled' : 'done';
    } catch (error) {
      const cancelled = this.#cancelled || serializeError(error).code === 'cancelled';
      this.status = cancelled ? 'cancelled' : 'failed';
      this.error = cancelled ? null : error;
    }
  }

  async cancel(): Promise<void> {
    if (this.status !== 'running') return;
    this.#cancelled = true;
    await this.api.cancel(this.#taskId);
  }

  protected abstract clear(): void;
  protected abstract start(request: TrainRequest & { taskId: string }): Promise<Result>;
}

/** Rising learning rates on fresh weights. */
export class LearningRateTest extends DeviceTest<RangeTest> {
  /** As they come; smoothed by the result alone. */
  points = $state.raw<readonly Omit<Point, 'smooth'>[]>([]);
  progress = $state.raw<{ done: number; total: number } | null>(null);

  protected clear(): void {
    this.points = [];
    this.progress = null;
  }

  protected start(request: TrainRequest & { taskId: string }): Promise<RangeTest> {
    return this.api.rangeTest(request, ({ rate, loss, done, total }) => {
      this.points = [...this.points, { rate, loss }];
      this.progress = { done, total };
    });
  }
}

/** A few steps at rising batch sizes. */
export class BatchSizeTest extends DeviceTest<{ suggestion: number; reason: string }> {
  trials = $state.raw<readonly BatchSizeTrial[]>([]);

  protected clear(): void {
    this.trials = [];
  }

  protected async start(request: TrainRequest & { taskId: string }): Promise<{ suggestion: number; reason: string }> {
    const { trials, suggestion, reason } = await this.api.batchSizes(
      request,
      (trial) => (this.trials = [...this.trials, trial]),
    );
    this.trials = trials;
    return { suggestion, reason };
  }
}
