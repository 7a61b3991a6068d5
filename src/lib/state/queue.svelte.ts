// The queue as the page shows and runs it. All tabs see the same list; the one that holds the lock trains, through the page's own
// run control, so that a queued run is watched and stopped like any other.
import { TrainyardError } from '$lib/core/errors';
import { newEntry } from '$lib/queue/entry';
import type { NewSweep } from '$lib/queue/jobs';
import { lastOrder, moved } from '$lib/queue/turns';
import type { TrainRequest } from '$lib/rpc/protocol';
import { announce, onChange } from '$lib/storage/changes';
import type { Database } from '$lib/storage/database';
import { createGroup, deleteGroup } from '$lib/storage/groups';
import { addToQueue, cancelWaiting, listQueue, removeFromQueue, reorderQueue, updateEntry } from '$lib/storage/queue';
import type { GroupRecord, QueueRecord, RunRecord } from '$lib/storage/records';
import { loadCatalog } from './catalog';
import { Live } from './live.svelte';
import { readPreference, writePreference } from './preference';
import { QueueRunner, type Trainer } from './queue-runner';
import type { RunControl } from './run-control.svelte';

const LOCK = 'trainyard-queue';
const PAUSED = 'queue-paused';

/** A closed tab says nothing; its run's lock is free without an event. */
const LOOK_EVERY_MS = 30_000;

/** The base, and what varies; see queue/jobs. */
export type SweepRequest = Omit<NewSweep, 'order'>;

export class Queue {
  /** Of all projects, in the order of their turns. */
  readonly entries: Live<readonly QueueRecord[]>;
  paused = $state(isPaused());
  /** This tab trains what is queued. */
  runsHere = $state(false);
  /** Waiting for a turn, or having it. */
  readonly pending = $derived.by(() =>
    (this.entries.value ?? []).filter(({ status }) => status === 'waiting' || status === 'running'),
  );
  readonly #database: () => Promise<Database>;
  readonly #runs: RunControl;

  constructor(runs: RunControl, database: () => Promise<Database>) {
    this.#runs = runs;
    this.#database = database;
    this.entries = new Live(['queue'], async () => listQueue(await database()));
  }

  /** Shows the queue and runs it as soon as no other tab does, until the returned function is called. */
  start(): () => void {
    const ending = new AbortController();
    const stops = [this.entries.start(), onChange(['queue'], () => (this.paused = isPaused()))];
    // Rejects when it is ended while it waits for the lock.
    navigator.locks
      .request(LOCK, { signal: ending.signal }, () => this.#run(ending.signal))
      .catch((error: unknown) => {
        if (!ending.signal.aborted) throw error;
      });
    return () => {
      ending.abort();
      stops.forEach((stop) => stop());
    };
  }

  /** At the end of the queue; the entry's id. */
  async add(request: TrainRequest): Promise<string> {
    const { projectId, versionId, name, job, from, limits, groupId, variant } = request;
    const database = await this.#database();
    const order = lastOrder(await listQueue(database));
    const entry: QueueRecord = {
      ...newEntry({ projectId, versionId, name, order, limits }),
      work: { kind: 'train', job, from },
      groupId,
      variant,
    };
    await addToQueue(database, [entry]);
    return entry.id;
  }

  /** A run that is interrupted, stopped or failed goes on, or a finished one gets more epochs, when its turn comes. */
  async addRun(run: RunRecord, work: { kind: 'resume' } | { kind: 'extend'; epochs: number }): Promise<string> {
    const database = await this.#database();
    const { projectId, versionId, name, id: runId } = run;
    const order = lastOrder(await listQueue(database));
    const entry = { ...newEntry({ projectId, versionId, name, order }), work: { ...work, runId } };
    await addToQueue(database, [entry]);
    return entry.id;
  }

  /** The group's id. Throws 'sweep-invalid'. */
  async addSweep(request: SweepRequest): Promise<string> {
    const [{ createSweep }, catalog, database] = await Promise.all([
      import('$lib/queue/jobs'),
      loadCatalog(),
      this.#database(),
    ]);
    const order = lastOrder(await listQueue(database));
    const { group, entries } = createSweep({ ...request, order }, catalog);
    await createGroup(database, group, entries);
    return group.id;
  }

  /** No further turn begins; the run that has it goes on. In all tabs, also after a reload. */
  pause(paused: boolean): void {
    writePreference(PAUSED, paused ? 'yes' : 'no');
    this.paused = paused;
    announce(['queue']);
  }

  /** In front of another entry; null: to the end. */
  async move(id: string, before: string | null): Promise<void> {
    const database = await this.#database();
    await reorderQueue(database, moved(await listQueue(database), id, before));
  }

  /** Ends the run of the entry that has the turn, with a checkpoint; takes one that waits out of the queue. */
  async cancel(entry: QueueRecord): Promise<void> {
    if (entry.status === 'running') {
      if (entry.runId !== null) await this.#runs.ask('stop', entry.runId);
      return;
    }
    await cancelWaiting(await this.#database(), ({ id }) => id === entry.id);
  }

  /** All of a group that wait; one that has the turn is stopped. */
  async cancelGroup(groupId: string): Promise<void> {
    await cancelWaiting(await this.#database(), (entry) => entry.groupId === groupId);
    const running = this.pending.find((entry) => entry.groupId === groupId && entry.status === 'running');
    if (running) await this.cancel(running);
  }

  /** Tries a failed or cancelled entry, or one that waits for another attempt, at its next turn, with all attempts anew. */
  async retryNow(id: string): Promise<void> {
    await updateEntry(await this.#database(), id, { status: 'waiting', attempts: 0, notBefore: null, error: null });
  }

  async limit(id: string, seconds: number | null): Promise<void> {
    await updateEntry(await this.#database(), id, { limits: { seconds } });
  }

  /** Takes entries off the list; runs stay. */
  async remove(ids: readonly string[]): Promise<void> {
    await removeFromQueue(await this.#database(), ids);
  }

  /** The group and what of it waits; its runs stay as runs of their own. */
  async ungroup(group: GroupRecord): Promise<void> {
    await this.cancelGroup(group.id);
    await deleteGroup(await this.#database(), group.id);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const database = await this.#database();
    const runner = new QueueRunner(database, this.#trainer());
    const changes = new Changes();
    this.runsHere = true;
    try {
      while (!signal.aborted) {
        changes.forget();
        // A run that is about to begin has no lock yet.
        const busy = this.#runs.active !== null || isPaused();
        const outcome = busy ? { until: null } : await runner.turn();
        if ('until' in outcome) await changes.next(outcome.until, signal);
      }
    } finally {
      this.runsHere = false;
      changes.stop();
    }
  }

  #trainer(): Trainer {
    const runs = this.#runs;
    const finished = async (begin: () => Promise<string>, onStarted: (runId: string) => void): Promise<RunRecord> => {
      onStarted(await begin());
      const { live } = runs;
      if (live === null) throw new TrainyardError('internal', 'The run has ended without a result.');
      const record = await live.ended;
      if (record !== null) return record;
      const { code, message, hint } = live.error ?? { code: 'internal', message: 'The run has ended.', hint: '' };
      throw new TrainyardError(code, message, hint);
    };
    return {
      start: (request, onStarted) => finished(() => runs.start(request), onStarted),
      resume: (runId, onStarted) => finished(() => runs.resume(runId), onStarted),
      extend: (runId, epochs, onStarted) => finished(() => runs.extend(runId, epochs), onStarted),
    };
  }
}

/** Waits for something to change that could give somebody a turn. */
class Changes {
  #changed = false;
  #wake: () => void = () => undefined;
  readonly stop: () => void;

  constructor() {
    this.stop = onChange(['queue', 'runs', 'groups'], () => {
      this.#changed = true;
      this.#wake();
    });
  }

  /** What changes from here on counts. */
  forget(): void {
    this.#changed = false;
  }

  /** At once where something has changed since `forget`; at the latest at `until`. */
  async next(until: number | null, signal: AbortSignal): Promise<void> {
    if (this.#changed || signal.aborted) return;
    const left = until === null ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(0, until - Date.now()));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.#wake, { once: true });
    });
    this.#wake = () => undefined;
  }
}

function isPaused(): boolean {
  return readPreference(PAUSED, ['yes', 'no'], 'no') === 'yes';
}
