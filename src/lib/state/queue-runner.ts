// Runs the queue, turn by turn, for whoever holds its lock: the page that was first, or the command line. Knows neither screens nor
// workers; how a run is trained is passed in.

import { serializeError } from '$lib/core/errors';
import { nextRung, type Standing } from '$lib/queue/halving';
import { newEntry } from '$lib/queue/entry';
import { afterFailure } from '$lib/queue/retry';
import { lastOrder, nextTurn } from '$lib/queue/turns';
import type { TrainRequest } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import { addRung, getGroup } from '$lib/storage/groups';
import { claimTurn, listQueue, updateEntry } from '$lib/storage/queue';
import type { GroupRecord, QueueRecord, RunRecord } from '$lib/storage/records';
import { runsUnderWay } from '$lib/storage/run-locks';
import { listRuns } from '$lib/storage/runs';

/** Each resolves when the run has ended and rejects with what ended it. `onStarted` hears the run's id once it trains. */
export interface Trainer {
  start(request: TrainRequest, onStarted: (runId: string) => void): Promise<RunRecord>;
  resume(runId: string, onStarted: (runId: string) => void): Promise<RunRecord>;
  extend(runId: string, epochs: number, onStarted: (runId: string) => void): Promise<RunRecord>;
}

/** What came of asking for a turn: a run had it, or until when (null: until something changes) there is nothing to do. */
export type TurnOutcome = { entry: QueueRecord; run: RunRecord | null } | { until: number | null };

export class QueueRunner {
  readonly #database: Database;
  readonly #trainer: Trainer;
  readonly #now: () => number;
  readonly #stopping: () => boolean;

  /** `stopping`: what is stopped now is interrupted, to be gone on with, and not ended by a person who has seen enough of it. */
  constructor(
    database: Database,
    trainer: Trainer,
    { now = Date.now, stopping = () => false }: { now?: () => number; stopping?: () => boolean } = {},
  ) {
    this.#database = database;
    this.#trainer = trainer;
    this.#now = now;
    this.#stopping = stopping;
  }

  /** Entries that a closed tab had begun wait again and go on with their run; where that is over, so are they. */
  async recover(): Promise<void> {
    const alive = await runsUnderWay();
    for (const entry of await listQueue(this.#database)) {
      if (entry.status !== 'running') continue;
      const run = entry.runId === null ? undefined : await this.#database.get('runs', entry.runId);
      // Another tab, which was asked to by a person, trains it: it is looked at again when that has changed.
      if (run !== undefined && alive.has(run.id)) continue;
      if (run !== undefined && (run.status === 'done' || run.status === 'stopped')) await this.#settle(entry);
      else await updateEntry(this.#database, entry.id, { status: 'waiting' });
    }
  }

  /** One turn, from its beginning to its end. Never rejects because of a run. */
  async turn(): Promise<TurnOutcome> {
    // A person's own run, here or in another tab, has the device: the queue waits for it.
    if ((await runsUnderWay()).size > 0) return { until: null };
    await this.recover();
    const next = nextTurn(await listQueue(this.#database), this.#now());
    if (next === null) return { until: null };
    if ('until' in next) return next;
    const { entry } = next;
    if (!(await claimTurn(this.#database, entry.id))) return { until: this.#now() };
    try {
      const run = await this.#perform(entry);
      if (run.status === 'stopped' && this.#stopping()) {
        await updateEntry(this.#database, entry.id, { status: 'waiting' });
      } else await this.#settle(entry);
      return { entry, run };
    } catch (error) {
      const failed = afterFailure(entry, serializeError(error), this.#now());
      await updateEntry(this.#database, entry.id, failed);
      if (failed.status === 'failed') await this.#closeRung(entry);
      return { entry, run: null };
    }
  }

  async #perform(entry: QueueRecord): Promise<RunRecord> {
    const { work, projectId, versionId, name, groupId, variant, limits } = entry;
    let noted: Promise<unknown> = Promise.resolve();
    const onStarted = (runId: string) => {
      noted = updateEntry(this.#database, entry.id, { runId });
    };
    try {
      // It had begun before: what is left of it is its run's business.
      const begun = entry.runId === null ? undefined : await this.#database.get('runs', entry.runId);
      if (begun !== undefined) {
        return begun.status === 'done' ? begun : await this.#trainer.resume(begun.id, onStarted);
      }
      switch (work.kind) {
        case 'train': {
          const { job, from } = work;
          return await this.#trainer.start(
            { projectId, versionId, job, name, from, groupId, variant, limits },
            onStarted,
          );
        }
        case 'resume':
          return await this.#trainer.resume(work.runId, onStarted);
        case 'extend':
          return await this.#trainer.extend(work.runId, work.epochs, onStarted);
      }
    } finally {
      await noted;
    }
  }

  async #settle(entry: QueueRecord): Promise<void> {
    await updateEntry(this.#database, entry.id, { status: 'done', error: null, notBefore: null });
    await this.#closeRung(entry);
  }

  /** When the last run of a rung has ended, the best go on. Not in a group of which a person has cancelled something. */
  async #closeRung({ groupId }: QueueRecord): Promise<void> {
    if (groupId === undefined) return;
    const group = await getGroup(this.#database, groupId).catch(() => null);
    if (group === null) return;
    const queue = await listQueue(this.#database);
    const members = queue.filter((entry) => entry.groupId === groupId);
    if (members.some(({ status }) => status === 'waiting' || status === 'running' || status === 'cancelled')) return;
    const next = nextRung(group, await this.#standings(group));
    if (next === null) return;
    const order = lastOrder(queue);
    const entries = next.done.survivors.map((runId, i): QueueRecord => {
      const before = members.find((member) => member.runId === runId);
      return {
        ...newEntry({
          projectId: group.projectId,
          versionId: group.versionId,
          name: before?.name ?? group.title,
          order: order + i,
          limits: before?.limits,
        }),
        work: { kind: 'extend', runId, epochs: next.more },
        groupId,
        variant: before?.variant,
      };
    });
    await addRung(this.#database, groupId, { rungs: group.rungs.length, done: next.done, entries });
  }

  /** Of the runs that take part in the group's present rung. */
  async #standings({ id, projectId, rungs, metric }: GroupRecord): Promise<Standing[]> {
    const inRung = rungs.at(-1)?.survivors;
    const runs = (await listRuns(this.#database, projectId)).filter(
      (run) => run.groupId === id && (inRung?.includes(run.id) ?? true),
    );
    // Oldest first, so that of two equals the earlier trial goes on.
    return runs.reverse().map(({ id: runId, best, status }) => {
      const counts = best?.metric === metric.name && status !== 'failed';
      return { runId, value: counts ? best.value : null };
    });
  }
}
