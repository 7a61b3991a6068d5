// The run that this page trains: starts it, stops it, follows its events. One at a time, as there is one device.
import { TrainyardError, serializeError, type ErrorData } from '$lib/core/errors';
import type { DeviceReport } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { TrainApi } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import type { RunRecord } from '$lib/storage/records';
import { recoverRuns } from '$lib/storage/run-locks';
import { getRun } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { RunCurves } from './run-curves';
import { takeStored } from './stored-events';

export interface RunRequest {
  projectId: string;
  versionId: string;
  job: Job;
  name: string;
}

/** What is shown of a live run is renewed at most this often; its events come at about ten a second. */
const SHOW_EVERY_MS = 250;

export class LiveRun {
  readonly projectId: string;
  readonly name: string;
  /** '' until the run exists. */
  runId = $state('');
  status = $state<'starting' | 'running' | 'stopping' | 'ended'>('starting');
  record = $state.raw<RunRecord | null>(null);
  error = $state.raw<ErrorData | null>(null);
  /** Changes when `curves` has changed: read it wherever curves are read. */
  revision = $state(0);
  readonly curves: RunCurves;
  readonly active = $derived(this.status !== 'ended');
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `curves` of what the run did before, when it goes on. */
  constructor(projectId: string, name: string, curves = new RunCurves()) {
    this.projectId = projectId;
    this.name = name;
    this.curves = curves;
  }

  /** 0..1 of all steps; null before the first. */
  get progress(): number | null {
    void this.revision;
    const { started, latest } = this.curves;
    return started && latest ? latest.step / (started.epochs * started.stepsPerEpoch) : null;
  }

  take(event: RunEvent): void {
    this.curves.take(event, Date.now());
    if (event.type === 'started') {
      this.runId = event.runId;
      if (this.status === 'starting') this.status = 'running';
    }
    if (event.type === 'failed') this.error = event.error;
    this.#timer ??= setTimeout(() => this.flush(), SHOW_EVERY_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.revision = this.curves.revision;
  }
}

export class RunControl {
  /** The run of this page, also after it ended, until the next one. */
  live = $state.raw<LiveRun | null>(null);
  readonly active = $derived(this.live?.active === true ? this.live : null);
  readonly #train: TrainApi;
  readonly #database: () => Promise<Database>;
  readonly #onDevice: (report: DeviceReport) => void;

  constructor(train: TrainApi, database: () => Promise<Database>, onDevice: (report: DeviceReport) => void) {
    this.#train = train;
    this.#database = database;
    this.#onDevice = onDevice;
  }

  /** The live run when it is the one asked for. */
  of(runId: string): LiveRun | null {
    return this.live?.runId === runId ? this.live : null;
  }

  /** Resolves with the run's id once it trains; rejects when it could not start. */
  start(request: RunRequest): Promise<string> {
    const { projectId, name } = request;
    return this.#follow(new LiveRun(projectId, name), (onEvent) => this.#train.train(request, onEvent));
  }

  /** Goes on from the last checkpoint of a run that was stopped, interrupted or failed; resolves once it trains. */
  async resume(runId: string): Promise<string> {
    const database = await this.#database();
    const run = await getRun(database, runId);
    const curves = new RunCurves();
    await takeStored(database, runId, curves);
    return this.#follow(new LiveRun(run.projectId, run.name, curves), (onEvent) => this.#train.resume(runId, onEvent));
  }

  /** Ends the run at the next step, with a checkpoint. */
  async stop(): Promise<void> {
    const { live } = this;
    if (live?.status !== 'running') return;
    live.status = 'stopping';
    await this.#train.stop();
  }

  /** Runs whose tab was closed under them say so from now on. */
  async sweep(): Promise<void> {
    await recoverRuns(await this.#database());
  }

  #follow(live: LiveRun, begin: (onEvent: (event: RunEvent) => void) => Promise<RunRecord>): Promise<string> {
    if (this.active) {
      const message = `"${this.active.name}" is training; one run at a time has the device.`;
      return Promise.reject(new TrainyardError('run-active', message, 'Stop it, or wait until it has ended.'));
    }
    this.live = live;
    return new Promise((resolve, reject) => {
      const onEvent = (event: RunEvent) => {
        live.take(event);
        if (event.type !== 'started') return;
        this.#onDevice(event.device);
        resolve(event.runId);
      };
      begin(onEvent)
        .then(
          (record) => {
            live.record = record;
          },
          (error: unknown) => {
            live.error = serializeError(error);
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        )
        .finally(() => {
          live.status = 'ended';
          live.flush();
        });
    });
  }
}
