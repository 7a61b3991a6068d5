// Evaluations and exports under way and just ended. They belong to the app, not to a screen, so they survive navigation.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { DeviceRequest } from '$lib/engines/contract';
import type { ExportEvent, ExportFile, ExportFormat, FormatReport } from '$lib/interchange/contract';
import type { InferApi } from '$lib/rpc/protocol';
import type { EvaluationRecord, SplitName } from '$lib/storage/records';

/** A slot; see CheckpointRecord. */
export type CheckpointKind = string;

type WorkStatus = 'running' | 'cancelling' | 'done' | 'cancelled' | 'failed';

/** What evaluating and exporting have in common: a task that can be cancelled and may fail. */
class Work {
  readonly taskId = crypto.randomUUID();
  status = $state<WorkStatus>('running');
  error = $state.raw<ErrorData | null>(null);
  readonly active = $derived(this.status === 'running' || this.status === 'cancelling');

  fail(error: unknown): void {
    const data = serializeError(error);
    const cancelled = this.status === 'cancelling' || data.code === 'cancelled';
    this.status = cancelled ? 'cancelled' : 'failed';
    if (!cancelled) this.error = data;
  }
}

export interface EvaluationRequest {
  runId: string;
  checkpoint: CheckpointKind;
  versionId: string;
  split: SplitName;
  device: DeviceRequest;
}

export class Evaluation extends Work {
  readonly request: EvaluationRequest;
  progress = $state.raw<{ done: number; total: number } | null>(null);
  record = $state.raw<EvaluationRecord | null>(null);
  readonly startedAt = performance.now();

  constructor(request: EvaluationRequest) {
    super();
    this.request = request;
  }
}

export type ExportPhase = Extract<ExportEvent, { type: 'phase' }>;

export interface ExportRequest {
  runId: string;
  checkpoint: CheckpointKind;
  /** Which weights those are: a run that goes on replaces them. */
  checkpointId: string;
  formats: readonly ExportFormat[];
  bundle: boolean;
}

export class Export extends Work {
  readonly request: ExportRequest;
  phase = $state.raw<ExportPhase | null>(null);
  reports = $state.raw<readonly FormatReport[]>([]);
  files = $state.raw<readonly ExportFile[]>([]);
  bundle = $state.raw<Blob | null>(null);

  constructor(request: ExportRequest) {
    super();
    this.request = request;
  }

  take(event: ExportEvent): void {
    if (event.type === 'phase') this.phase = event;
    else if (event.type === 'format') this.reports = [...this.reports, event.report];
    else event satisfies never;
  }
}

export class ModelWork {
  evaluations = $state.raw<readonly Evaluation[]>([]);
  exports = $state.raw<readonly Export[]>([]);
  readonly #infer: InferApi;

  constructor(infer: InferApi) {
    this.#infer = infer;
  }

  /** `ended` never rejects; the returned evaluation tells all. */
  evaluate(request: EvaluationRequest): { work: Evaluation; ended: Promise<Evaluation> } {
    const work = new Evaluation(request);
    this.evaluations = [...this.evaluations.filter(({ active }) => active), work];
    return { work, ended: this.#evaluate(work) };
  }

  /** Writes and verifies; what an earlier export of the same checkpoint made is kept beside it. `ended` never rejects. */
  export(request: ExportRequest): { work: Export; ended: Promise<Export> } {
    const work = new Export(request);
    const others = this.exports.filter(({ request: { runId } }) => runId === request.runId);
    // Files of other runs are let go: a large model's exports are hundreds of megabytes.
    this.exports = [...others, work];
    return { work, ended: this.#export(work) };
  }

  /** Exports of one checkpoint as it is now, oldest first. */
  exportsOf(runId: string, checkpoint: CheckpointKind, checkpointId: string): readonly Export[] {
    return this.exports.filter(({ request }) => {
      return request.runId === runId && request.checkpoint === checkpoint && request.checkpointId === checkpointId;
    });
  }

  async cancel(work: Evaluation | Export): Promise<void> {
    if (work.status !== 'running') return;
    work.status = 'cancelling';
    await this.#infer.cancel(work.taskId);
  }

  async #evaluate(work: Evaluation): Promise<Evaluation> {
    const { runId, checkpoint, versionId, split, device } = work.request;
    try {
      work.record = await this.#infer.evaluate(
        { taskId: work.taskId, model: { kind: 'run', runId, checkpoint }, versionId, split, device },
        ({ done, total }) => (work.progress = { done, total }),
      );
      work.status = 'done';
    } catch (error) {
      work.fail(error);
    }
    return work;
  }

  async #export(work: Export): Promise<Export> {
    const { runId, checkpoint, formats, bundle } = work.request;
    try {
      const made = await this.#infer.export(
        { taskId: work.taskId, model: { kind: 'run', runId, checkpoint }, formats, bundle },
        (event) => work.take(event),
      );
      work.reports = made.report.formats;
      work.files = made.files;
      work.bundle = made.bundle;
      work.status = 'done';
    } catch (error) {
      work.fail(error);
    }
    return work;
  }
}
