// Where a run is that was begun and may be gone on with: DIR/run.json says it for each folder of results, runs.json in the cache
// says which of its projects must stay. Knows nothing of what the browser keeps.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './arguments.mjs';

/**
 * @typedef {object} RunRequest What it takes to begin again where nothing was kept yet.
 * @property {'train' | 'demo' | 'sweep'} command
 * @property {unknown} document
 * @property {string[]} overrides
 * @property {{ prefix: string, path: string }[]} inputs
 * @property {{ reference: string, path: string | null } | null} weights
 * @property {SweepText | null} sweep
 * @property {{ tensorboard: boolean, mlflow: boolean }} options What is written besides.
 *
 * @typedef {{ kind: 'settings', settings: string[] } | { kind: 'document', document: unknown } | { kind: 'folds', folds: number }} SweepText
 *
 * @typedef {object} RunState
 * @property {1} version
 * @property {'unfinished' | 'stopped' | 'done'} state
 * @property {string | null} cache Folder whose profile holds the run; null once nothing of it is kept.
 * @property {string | null} project Null until the data are there.
 * @property {string | null} run Null until it has begun to train; of a sweep the newest one.
 * @property {string | null} group Of a sweep, once it is planned.
 * @property {RunRequest} request
 */

/** Beside the results, where no cache can be used. */
export const OWN_CACHE = '.trainyard';
const NAME = 'run.json';
const LIST = 'runs.json';

/**
 * What DIR/run.json says; null where there is none.
 * @param {string} out
 * @returns {Promise<RunState | null>}
 */
export async function readRunState(out) {
  const text = await readFile(join(out, NAME), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const state = JSON.parse(text);
    if (state.version === 1) return state;
  } catch {
    // Said below.
  }
  throw new UsageError(`"${join(out, NAME)}" is not what this program writes. Delete it to begin anew in "${out}".`);
}

/** DIR/run.json of a command under way: each change is on the disk when `change` resolves. */
export class RunFile {
  /** @param {string} out @param {RunState} state */
  constructor(out, state) {
    this.out = out;
    this.state = state;
    /** One write after the other. */
    this.written = Promise.resolve();
  }

  /** @param {Partial<RunState>} change */
  change(change) {
    this.state = { ...this.state, ...change };
    this.written = this.written.then(() => this.write());
    return this.written;
  }

  async write() {
    await mkdir(this.out, { recursive: true });
    await replace(join(this.out, NAME), this.state);
    const { cache, project } = this.state;
    if (cache !== null && project !== null) await enlist(cache, { project, out: this.out });
  }

  /** Nothing of it is left to go on with. */
  async forget() {
    await this.written.catch(() => {});
    await rm(join(this.out, NAME), { force: true });
  }
}

/**
 * Folders of results whose runs are in the cache, with what they say. An entry whose folder is gone, or says otherwise now, does not count.
 * @param {string} cache
 * @returns {Promise<{ out: string, state: RunState }[]>}
 */
export async function runsIn(cache) {
  const states = await Promise.all(
    (await readList(cache)).map(async ({ project, out }) => {
      const state = await readRunState(out).catch(() => null);
      return state?.project === project && state.cache === cache ? { out, state } : null;
    }),
  );
  return states.filter((one) => one !== null);
}

/** Projects that `tidy` must leave. @param {string} cache */
export async function projectsToKeep(cache) {
  return (await runsIn(cache)).flatMap(({ state }) => (state.project === null ? [] : [state.project]));
}

/** @param {string} cache @param {{ project: string, out: string }} entry */
async function enlist(cache, entry) {
  const list = await readList(cache);
  if (list.some(({ project, out }) => project === entry.project && out === entry.out)) return;
  const valid = new Set((await runsIn(cache)).map(({ out }) => out));
  await replace(join(cache, LIST), [...list.filter(({ out }) => valid.has(out) && out !== entry.out), entry]);
}

/**
 * @param {string} cache
 * @returns {Promise<{ project: string, out: string }[]>}
 */
async function readList(cache) {
  try {
    const list = JSON.parse(await readFile(join(cache, LIST), 'utf8'));
    return Array.isArray(list) ? list : [];
  } catch {
    // None yet.
    return [];
  }
}

/** In one go: a process that is ended in the middle leaves the old file or the new one. @param {string} path @param {unknown} value */
async function replace(path, value) {
  await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${path}.new`, path);
}
