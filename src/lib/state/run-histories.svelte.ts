// The curves of several runs, for tables, comparison and estimates. Each run is read once; one that still trains is read again.
import type { Database } from '$lib/storage/database';
import type { RunRecord } from '$lib/storage/records';
import { RunCurves } from './run-curves';
import { takeStored } from './stored-events';

interface Known {
  /** Changes when the run went on since. */
  state: string;
  curves: RunCurves;
}

export class RunHistories {
  #known = $state.raw<Readonly<Record<string, Known>>>({});
  readonly #database: () => Promise<Database>;
  #waiting: readonly RunRecord[] = [];
  #reading = false;

  constructor(database: () => Promise<Database>) {
    this.#database = database;
  }

  of(runId: string): RunCurves | undefined {
    return this.#known[runId]?.curves;
  }

  /** Reads what is not known yet, in this order, one after another. Never rejects: a run that cannot be read has no curves. */
  want(runs: readonly RunRecord[]): void {
    this.#waiting = runs.filter((run) => this.#known[run.id]?.state !== stateOf(run));
    if (!this.#reading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#reading = true;
    try {
      const database = await this.#database();
      for (let run = this.#waiting.at(0); run !== undefined; run = this.#waiting.at(0)) {
        this.#waiting = this.#waiting.slice(1);
        const curves = new RunCurves();
        await takeStored(database, run.id, curves);
        this.#known = { ...this.#known, [run.id]: { state: stateOf(run), curves } };
      }
    } catch {
      // Whoever lists the runs reads the same database and shows its error.
    } finally {
      this.#reading = false;
    }
  }
}

function stateOf(run: RunRecord): string {
  return `${run.status} ${run.stepsDone} ${run.endedAt}`;
}
