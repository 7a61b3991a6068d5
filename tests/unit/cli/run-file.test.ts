// What is said of a run that may be gone on with, in its folder and in the cache.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { projectsToKeep, readRunState, RunFile, runsIn } from '../../../scripts/cli/run-file.mjs';

let work: string;
let cache: string;
const at = (name: string) => join(work, name);

const stateOf = (project: string | null) => ({
  version: 1 as const,
  state: 'unfinished' as const,
  cache,
  project,
  run: null,
  group: null,
  request: {
    command: 'demo' as const,
    document: null,
    overrides: [],
    inputs: [],
    weights: null,
    sweep: null,
    options: { tensorboard: false, mlflow: false },
  },
});

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'trainyard-run-'));
  cache = await mkdtemp(join(tmpdir(), 'trainyard-cache-'));
});
afterEach(() => Promise.all([work, cache].map((folder) => rm(folder, { recursive: true, force: true }))));

it('makes the folder, keeps each change, and leaves no half-written file', async () => {
  const file = new RunFile(at('out'), stateOf(null));
  await Promise.all([file.change({}), file.change({ project: 'p' }), file.change({ run: 'r' })]);
  expect(await readRunState(at('out'))).toMatchObject({ project: 'p', run: 'r', state: 'unfinished' });
  expect(await readdir(at('out'))).toEqual(['run.json']);
});

it('tells the cache which projects must stay, as long as their folders say so', async () => {
  const [one, two, three] = ['one', 'two', 'three'].map((name) => new RunFile(at(name), stateOf(name)));
  for (const file of [one, two, three]) await file.change({});
  expect(await projectsToKeep(cache)).toEqual(['one', 'two', 'three']);
  await one.change({ state: 'done', cache: null });
  await rm(at('two'), { recursive: true });
  expect(await projectsToKeep(cache)).toEqual(['three']);
  // The same folder with another run: the one before is not gone on with any more.
  await new RunFile(at('three'), stateOf('four')).change({});
  expect((await runsIn(cache)).map(({ out, state }) => [out, state.project])).toEqual([[at('three'), 'four']]);
  // What counts no longer does not pile up.
  expect(JSON.parse(await readFile(join(cache, 'runs.json'), 'utf8'))).toHaveLength(1);
});

it('has nothing to keep in a cache that is new, or whose list is damaged', async () => {
  expect(await projectsToKeep(cache)).toEqual([]);
  await writeFile(join(cache, 'runs.json'), '{"half');
  expect(await projectsToKeep(cache)).toEqual([]);
});

it('says of a folder without a run that there is none, and of a foreign file what to do', async () => {
  expect(await readRunState(work)).toBeNull();
  await writeFile(at('run.json'), '{"version": 7}');
  await expect(readRunState(work)).rejects.toThrow('is not what this program writes. Delete it to begin anew');
});

it('forgets a run of which nothing is left', async () => {
  const file = new RunFile(at('out'), stateOf('p'));
  await file.change({});
  await file.forget();
  expect(await readRunState(at('out'))).toBeNull();
  expect(await projectsToKeep(cache)).toEqual([]);
});
