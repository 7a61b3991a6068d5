// The run that this page trains: starts it, holds it, stops it, follows its events. One at a time, as there is one device. Runs of
// other tabs are asked over a channel.
import { TrainyardError, serializeError, type ErrorData } from '$lib/core/errors';
import type { DeviceReport } from '$lib/engines/contract';
import type { TrainApi, TrainRequest } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import type { RunRecord } from '$lib/storage/records';
import { askRun } from '$lib/storage/run-control';
import { recoverRuns } from '$lib/storage/run-locks';
import { appendEvents, getRun } from '$lib/storage/runs';
import type { RunEvent } from '$lib/training/events';
import { absentRun, forgetRun, rememberRun, type Absence } from './run-absence';
import { RunCurves } from './run-curves';
import { takeStored } from './stored-events';

export type RunRequest = TrainRequest;

/** What is shown of a live run is renewed at most this often; its events come at about ten a second. */
const SHOW_EVERY_MS = 250;

export type LiveStatus = 'starting' | 'running' | 'pausing' | 'paused' | 'stopping' | 'ended';

/** What can be asked of a run that trains. */
export type RunWish = 'pause' | 'continue' | 'save' | 'stop';

export class LiveRun {
  readonly projectId: string;
  readonly name: string;
  /** '' until the run exists. */
  runId = $state('');
  status = $state<LiveStatus>('starting');
  record = $state.raw<RunRecord | null>(null);
  error = $state.raw<ErrorData | null>(null);
  /** The person asked for its end, so nobody needs to be told of it. */
  stopped = false;
  /** Changes when `curves` has changed: read it wherever curves are read. */
  revision = $state(0);
  readonly curves: RunCurves;
  readonly active = $derived(this.status !== 'ended');
  /** The record it ended with; null where it failed, and `error` says why. Never rejects. */
  readonly ended: Promise<RunRecord | null>;
  #end: (record: RunRecord | null) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `curves` of what the run did before, when it goes on. */
  constructor(projectId: string, name: string, curves = new RunCurves()) {
    this.projectId = projectId;
    this.name = name;
    this.curves = curves;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
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
    // Also when another tab asked.
    if (event.type === 'paused' && this.status !== 'stopping') this.status = 'paused';
    if (event.type === 'continued' && this.status !== 'stopping') this.status = 'running';
    if (event.type === 'failed') this.error = event.error;
    // What is held must not move any more.
    if (event.type === 'paused') this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), SHOW_EVERY_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.revision = this.curves.revision;
    if (this.active && this.runId !== '') rememberRun(this.runId);
  }

  end(record: RunRecord | null): void {
    this.record = record;
    this.status = 'ended';
    this.flush();
    forgetRun();
    this.#end(record);
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
    return this.#follow(await this.#again(runId), (onEvent) => this.#train.resume(runId, onEvent));
  }

  /** More epochs for a run that is done or stopped; resolves once it trains. */
  async extend(runId: string, epochs: number): Promise<string> {
    return this.#follow(await this.#again(runId), (onEvent) => this.#train.extend(runId, epochs, onEvent));
  }

  /** Asks the run that trains here or, by its id, one of another tab. */
  async ask(wish: RunWish, runId = this.live?.runId ?? ''): Promise<void> {
    const live = this.of(runId);
    if (!live?.active) {
      askRun(runId, wish);
      return;
    }
    switch (wish) {
      case 'pause':
        if (live.status !== 'running') return;
        live.status = 'pausing';
        return this.#train.pause();
      case 'continue':
        if (live.status !== 'paused' && live.status !== 'pausing') return;
        live.status = 'running';
        return this.#train.continue();
      case 'save':
        return this.#train.save();
      case 'stop':
        if (live.status === 'starting' || live.status === 'stopping') return;
        live.status = 'stopping';
        live.stopped = true;
        return this.#train.stop();
      default:
        wish satisfies never;
    }
  }

  /** Ends the run at the next step, with a checkpoint. */
  async stop(): Promise<void> {
    if (this.active) await this.ask('stop');
  }

  /** Goes on with the run that this tab trained when the browser discarded it, and says for how long it was away; null where none was. */
  async comeBack(): Promise<Absence | null> {
    const absent = absentRun();
    forgetRun();
    if (absent === null || this.active) return null;
    const run = await getRun(await this.#database(), absent.runId);
    if (run.status !== 'interrupted') return null;
    await this.resume(run.id);
    const event = { type: 'away', seconds: absent.seconds, reason: 'closed' } as const;
    this.live?.take(event);
    await appendEvents(await this.#database(), run.id, [event]);
    return absent;
  }

  /** Runs whose tab was closed under them say so from now on. */
  async sweep(): Promise<void> {
    await recoverRuns(await this.#database());
  }

  async #again(runId: string): Promise<LiveRun> {
    const database = await this.#database();
    const run = await getRun(database, runId);
    const curves = new RunCurves();
    await takeStored(database, runId, curves);
    return new LiveRun(run.projectId, run.name, curves);
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
      begin(onEvent).then(
        (record) => live.end(record),
        (error: unknown) => {
          live.error = serializeError(error);
          live.end(null);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
