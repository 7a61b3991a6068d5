// One run as it is stored: its record, curves, checkpoints and evaluations, followed as they grow, whichever tab trains it.
import { onChange } from '$lib/storage/changes';
import { listCheckpoints } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { listEvaluations } from '$lib/storage/evaluations';
import type { EvaluationRecord, RunRecord } from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import type { CheckpointSummary } from '$lib/storage/schema';
import { mostTellingFirst } from './evaluations';
import { Live } from './live.svelte';
import { RunCurves } from './run-curves';
import { takeStored } from './stored-events';

/** Reading the tail of the events costs 1 to 2 ms; twice a second is smooth enough for a curve. */
const FOLLOW_EVERY_MS = 500;

export interface RunDetails {
  run: RunRecord;
  checkpoints: readonly CheckpointSummary[];
  /** The most telling first. */
  evaluations: readonly EvaluationRecord[];
}

export class RunView {
  readonly runId: string;
  readonly details: Live<RunDetails>;
  readonly curves = new RunCurves();
  /** Changes when `curves` has changed: read it wherever curves are read. */
  revision = $state(0);
  /** All events that were there at first are read. */
  complete = $state(false);
  readonly #database: () => Promise<Database>;
  #next = 0;
  #reading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(database: () => Promise<Database>, runId: string) {
    this.#database = database;
    this.runId = runId;
    this.details = new Live(['runs', 'checkpoints', 'evaluations'], async () => {
      const opened = await database();
      const [run, checkpoints, evaluations] = await Promise.all([
        getRun(opened, runId),
        listCheckpoints(opened, runId),
        listEvaluations(opened, runId),
      ]);
      return { run, checkpoints, evaluations: mostTellingFirst(evaluations) };
    });
  }

  start(): () => void {
    const stopDetails = this.details.start();
    void this.#follow();
    const stopEvents = onChange(['events'], () => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#follow();
      }, FOLLOW_EVERY_MS);
    });
    return () => {
      stopDetails();
      stopEvents();
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  async #follow(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.#next = await takeStored(await this.#database(), this.runId, this.curves, this.#next);
      this.revision = this.curves.revision;
      this.complete = true;
    } catch {
      // `details` reads the same database and shows its error.
    } finally {
      this.#reading = false;
    }
  }
}
