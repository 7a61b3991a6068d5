// Imports under way and just ended. They belong to the app, not to a screen, so they survive navigation.
import { serializeError, type ErrorData } from '$lib/core/errors';
import type { ImportEvent, ImportSource, ImportSummary } from '$lib/data/contract';
import type { DataApi } from '$lib/rpc/protocol';
import type { DataProblem, SplitSettings } from '$lib/storage/records';

export const DEFAULT_SPLIT: SplitSettings = { source: 'folders', val: 0.15, test: 0.15, stratified: true, seed: 0 };

type Progress = Extract<ImportEvent, { type: 'progress' }>;
type Phase = Extract<ImportEvent, { type: 'phase' }>['phase'];

export interface ImportRequest {
  /** Null makes a project. */
  projectId: string | null;
  projectName: string;
  source: ImportSource;
  split?: SplitSettings;
}

export class Import {
  readonly taskId = crypto.randomUUID();
  readonly request: ImportRequest;
  status = $state<'running' | 'cancelling' | 'cancelled' | 'done' | 'failed'>('running');
  phase = $state<Phase>('listing');
  progress = $state.raw<Progress | null>(null);
  problems = $state.raw<readonly DataProblem[]>([]);
  error = $state.raw<ErrorData | null>(null);
  summary = $state.raw<ImportSummary | null>(null);
  readonly active = $derived(this.status === 'running' || this.status === 'cancelling');

  constructor(request: ImportRequest) {
    this.request = request;
  }

  take(event: ImportEvent): void {
    if (event.type === 'phase') this.phase = event.phase;
    else if (event.type === 'progress') this.progress = event;
    else if (event.type === 'problem') this.problems = [...this.problems, event.problem];
    else event satisfies never;
  }
}

export class Imports {
  list = $state.raw<readonly Import[]>([]);
  readonly active = $derived(this.list.filter((one) => one.active));
  readonly #data: DataApi;

  constructor(data: DataApi) {
    this.#data = data;
  }

  /** The newest import into a project, or the newest that makes one (null). */
  of(projectId: string | null): Import | undefined {
    return this.list.findLast((one) => one.request.projectId === projectId || one.summary?.projectId === projectId);
  }

  /** Starts at once; the returned import tells all. `ended` never rejects. */
  start(request: ImportRequest): { import: Import; ended: Promise<Import> } {
    const started = new Import(request);
    this.list = [...this.list, started];
    return { import: started, ended: this.#run(started) };
  }

  async cancel(one: Import): Promise<void> {
    if (one.status !== 'running') return;
    one.status = 'cancelling';
    await this.#data.cancel(one.taskId);
  }

  /** Takes an ended import off the list. */
  dismiss(one: Import): void {
    if (!one.active) this.list = this.list.filter((other) => other !== one);
  }

  async #run(one: Import): Promise<Import> {
    const { projectId, projectName, source, split = DEFAULT_SPLIT } = one.request;
    try {
      one.summary = await this.#data.import({ taskId: one.taskId, projectId, projectName, source, split }, (event) =>
        one.take(event),
      );
      one.problems = one.summary.problems;
      one.status = 'done';
    } catch (error) {
      if (one.status === 'cancelling') {
        one.status = 'cancelled';
        this.dismiss(one);
      } else {
        one.error = serializeError(error);
        one.status = 'failed';
      }
    }
    return one;
  }
}
