// The repositories on a real IndexedDB: what belongs together is kept together, what is shared survives.

import { expect, test } from 'vitest';
import type { TrainState } from '$lib/engines/contract';
import { deleteOrphanBlobs, getBlob, getBlobs, getThumbnails, putBlobs } from '$lib/storage/blobs';
import { onChange } from '$lib/storage/changes';
import { getCheckpoint, listCheckpoints, saveCheckpoints } from '$lib/storage/checkpoints';
import { addVersion, getDataset, getVersion, getVersionSummary, listVersions, setHead } from '$lib/storage/datasets';
import { addEvaluation, getImageResults, listEvaluations } from '$lib/storage/evaluations';
import { createProject, deleteProject, getProject, listProjects, renameProject } from '$lib/storage/projects';
import { appendEvents, createRun, deleteRun, getRun, listRuns, markInterrupted, readEvents } from '$lib/storage/runs';
import { STORE_NAMES } from '$lib/storage/schema';
import { write } from '$lib/storage/transaction';
import { spaceByProject } from '$lib/storage/quota';
import { blobOf, datasetOf, fill, openFresh, versionOf } from './open';
import { checkpointOf, evaluationOf, resultsOf, runOf } from './runs';

test('projects are created, renamed and listed with the last changed first', async () => {
  const database = await openFresh();
  const first = await createProject(database, { name: ' flowers ', task: 'classification' });
  await createProject(database, { name: 'digits', task: 'classification', sample: true });
  await new Promise((resolve) => setTimeout(resolve, 2));
  await renameProject(database, first.id, 'roses');
  expect((await listProjects(database)).map(({ name, sample }) => [name, sample])).toEqual([
    ['roses', false],
    ['digits', true],
  ]);
  await expect(renameProject(database, first.id, '  ')).rejects.toMatchObject({ code: 'project-name' });
  await expect(getProject(database, 'nowhere')).rejects.toMatchObject({ code: 'project-missing' });
});

test('blobs of the same content are kept once and come back with their type', async () => {
  const database = await openFresh();
  expect(await putBlobs(database, [blobOf('x'), blobOf('x'), blobOf('y')])).toEqual(['hash-of-x', 'hash-of-y']);
  expect(await putBlobs(database, [blobOf('y'), blobOf('z')])).toEqual(['hash-of-z']);
  const blob = await getBlob(database, 'hash-of-z');
  expect([blob.type, await blob.text()]).toEqual(['text/plain', 'z']);
  const [z, x] = await getBlobs(database, ['hash-of-z', 'hash-of-x']);
  expect([await z.text(), await x.text()]).toEqual(['z', 'x']);
  await expect(getBlobs(database, ['hash-of-x', 'hash-of-nothing'])).rejects.toMatchObject({ code: 'blob-missing' });
});

test('the gallery gets thumbnails, and the image itself where it is small', async () => {
  const database = await openFresh();
  await putBlobs(database, [blobOf('large'), blobOf('small')], [{ ...blobOf('thumb'), hash: 'hash-of-large' }]);
  const shown = await getThumbnails(database, ['hash-of-large', 'hash-of-small', 'hash-of-nothing']);
  expect(await Promise.all(shown.map((blob) => blob?.text() ?? null))).toEqual(['thumb', 'small', null]);
});

test('a version comes back as it was stored and its summary counts it', async () => {
  const database = await openFresh();
  const { version, dataset } = await fill(database, 'p', ['x', 'y', 'z']);
  expect(await getVersion(database, version.id)).toEqual(version);
  expect(await getVersionSummary(database, version.id)).toMatchObject({
    images: 3,
    splitCounts: { train: 3, val: 0, test: 0 },
    classCounts: [2, 1],
    preview: ['hash-of-x', 'hash-of-y', 'hash-of-z'],
  });
  expect((await getDataset(database, dataset.id)).headVersionId).toBe(version.id);
});

test('a new version becomes the head and the old one can be made it again', async () => {
  const database = await openFresh();
  const { version, dataset } = await fill(database, 'p', ['x', 'y']);
  const next = { ...versionOf(dataset, ['x'], 2), parentId: version.id };
  await addVersion(database, next, new Float32Array(6));
  expect((await getDataset(database, dataset.id)).headVersionId).toBe(next.id);
  expect((await listVersions(database, dataset.id)).map(({ number }) => number)).toEqual([2, 1]);
  await setHead(database, dataset.id, version.id);
  expect((await getDataset(database, dataset.id)).headVersionId).toBe(version.id);
  expect(await listVersions(database, dataset.id)).toHaveLength(2);
});

test('two tabs that make the same version number do not overwrite each other', async () => {
  const database = await openFresh();
  const { dataset } = await fill(database, 'p', ['x', 'y']);
  const results = await Promise.allSettled([
    addVersion(database, versionOf(dataset, ['x'], 2), new Float32Array(6)),
    addVersion(database, versionOf(dataset, ['y'], 2), new Float32Array(6)),
  ]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await listVersions(database, dataset.id)).toHaveLength(2);
});

test('a version whose content is missing is refused by name, and nothing of it is kept', async () => {
  const database = await openFresh();
  const project = await createProject(database, { name: 'p', task: 'classification' });
  const dataset = datasetOf(project);
  const adding = addVersion(database, versionOf(dataset, ['gone']), new Float32Array(6), { dataset });
  await expect(adding).rejects.toMatchObject({
    code: 'blob-missing',
    message: expect.stringContaining('0/gone') as string,
  });
  expect(await database.count('datasets')).toBe(0);
  expect(await database.count('versions')).toBe(0);
});

test('a write that throws half way keeps nothing and gives the reason, not the abort', async () => {
  const database = await openFresh();
  const half = write(database, ['projects', 'blobs'], async (transaction) => {
    await transaction.objectStore('blobs').add(blobOf('half'));
    throw new Error('the reason');
  });
  await expect(half).rejects.toThrow('the reason');
  expect(await database.count('blobs')).toBe(0);
  const twice = write(database, ['blobs'], async (transaction) => {
    await transaction.objectStore('blobs').add(blobOf('twice'));
    await transaction.objectStore('blobs').add(blobOf('twice'));
  });
  await expect(twice).rejects.toMatchObject({ name: 'ConstraintError' });
  expect(await database.count('blobs')).toBe(0);
});

test('deleting a project removes all of it and keeps what another project shares', async () => {
  const database = await openFresh();
  const gone = await fill(database, 'gone', ['shared', 'own']);
  const kept = await fill(database, 'kept', ['shared', 'other']);
  const run = runOf(gone.project.id, gone.version.id);
  await createRun(database, run);
  await appendEvents(database, run.id, [{ type: 'notice', message: 'hello' }]);
  await saveCheckpoints(database, run.id, [checkpointOf(run.id, 'best', 1)]);
  await addEvaluation(database, evaluationOf(run.id), resultsOf(['a']));
  await deleteProject(database, gone.project.id);
  const counts = await Promise.all(STORE_NAMES.map(async (store) => [store, await database.count(store)]));
  expect(Object.fromEntries(counts)).toEqual({
    projects: 1,
    datasets: 1,
    versions: 1,
    items: 1,
    blobs: 2,
    thumbnails: 0,
    runs: 0,
    events: 0,
    checkpoints: 0,
    states: 0,
    evaluations: 0,
    imageResults: 0,
    weights: 0,
    weightsParts: 0,
    downloads: 0,
    downloadParts: 0,
    featureCaches: 0,
    featureChunks: 0,
    groups: 0,
    queue: 0,
    stateParts: 0,
  });
  expect(await (await getBlob(database, 'hash-of-shared')).text()).toBe('shared');
  expect(await getVersion(database, kept.version.id)).toEqual(kept.version);
});

test('orphan blobs are deleted and used ones are not', async () => {
  const database = await openFresh();
  await fill(database, 'p', ['used']);
  await putBlobs(database, [blobOf('left over')]);
  expect(await deleteOrphanBlobs(database, ['hash-of-used'])).toBe(0);
  expect(await deleteOrphanBlobs(database)).toBe(1);
  expect(await database.getAllKeys('blobs')).toEqual(['hash-of-used']);
});

test('events are appended in order, over several calls and runs', async () => {
  const database = await openFresh();
  const notice = (message: string) => ({ type: 'notice', message }) as const;
  expect(await appendEvents(database, 'a', [notice('1'), notice('2')])).toBe(2);
  await appendEvents(database, 'b', [notice('other')]);
  expect(await appendEvents(database, 'a', [notice('3')])).toBe(3);
  const events = await readEvents(database, 'a', 1);
  expect(events.map(({ sequence, event }) => [sequence, event])).toEqual([
    [1, notice('2')],
    [2, notice('3')],
  ]);
});

test('runs whose tab is gone become interrupted, those that run do not', async () => {
  const database = await openFresh();
  const { project, version } = await fill(database, 'p', ['x']);
  const [dead, alive] = [runOf(project.id, version.id), runOf(project.id, version.id)];
  const paused = { ...runOf(project.id, version.id), status: 'paused' as const };
  for (const run of [dead, alive, paused]) await createRun(database, run);
  const marked = await markInterrupted(database, new Set([alive.id]));
  expect(marked.map(({ id }) => id).sort()).toEqual([dead.id, paused.id].sort());
  expect((await getRun(database, dead.id)).status).toBe('interrupted');
  expect((await getRun(database, alive.id)).status).toBe('running');
});

test('a checkpoint replaces the one of its kind together with the run record', async () => {
  const database = await openFresh();
  const { project, version } = await fill(database, 'p', ['x']);
  const run = runOf(project.id, version.id);
  await createRun(database, run);
  await saveCheckpoints(database, run.id, [checkpointOf(run.id, 'best', 1), checkpointOf(run.id, 'last', 1)]);
  await saveCheckpoints(database, run.id, [checkpointOf(run.id, 'last', 2)], { run: { epochsDone: 2 } });
  const summaries = await listCheckpoints(database, run.id);
  expect(summaries.map(({ kind, epoch, bytes }) => [kind, epoch, bytes])).toEqual([
    ['best', 1, 24],
    ['last', 2, 24],
  ]);
  expect(await database.count('states')).toBe(2);
  const state: TrainState = (await getCheckpoint(database, run.id, 'last')).state;
  expect(state.parameters.get('weight')).toEqual(new Float32Array([2, 2, 2]));
  expect((await getRun(database, run.id)).epochsDone).toBe(2);
  await deleteRun(database, run.id);
  expect(await listRuns(database, project.id)).toEqual([]);
  await expect(getCheckpoint(database, run.id, 'best')).rejects.toMatchObject({ code: 'checkpoint-missing' });
  await expect(saveCheckpoints(database, run.id, [checkpointOf(run.id, 'last', 3)])).rejects.toMatchObject({
    code: 'run-missing',
  });
  expect(await database.count('states')).toBe(0);
});

test('an evaluation is stored with its per-image results', async () => {
  const database = await openFresh();
  const { project, version } = await fill(database, 'p', ['x']);
  const run = runOf(project.id, version.id);
  await createRun(database, run);
  const evaluation = evaluationOf(run.id);
  await addEvaluation(database, evaluation, resultsOf(['a', 'b']));
  expect(await listEvaluations(database, run.id)).toEqual([evaluation]);
  expect(await getImageResults(database, evaluation.id)).toEqual(resultsOf(['a', 'b']));
});

test('space is counted for the project that alone would free it', async () => {
  const database = await openFresh();
  await fill(database, 'small', ['shared', 'ab']);
  const { project, version } = await fill(database, 'large', ['shared', 'abcd']);
  const run = runOf(project.id, version.id);
  await createRun(database, run);
  await saveCheckpoints(database, run.id, [checkpointOf(run.id, 'best', 1)]);
  expect((await spaceByProject(database)).map(({ name, bytes, imageBytes }) => [name, bytes, imageBytes])).toEqual([
    ['large', 28, 4],
    ['small', 2, 2],
  ]);
});

test('a committed write is announced to listeners of its stores, an aborted one is not', async () => {
  const database = await openFresh();
  const heard: string[][] = [];
  const stop = onChange(['projects'], (change) => heard.push([...change.stores]));
  await createProject(database, { name: 'p', task: 'classification' });
  await appendEvents(database, 'run', [{ type: 'notice', message: '' }]);
  await expect(renameProject(database, 'nowhere', 'x')).rejects.toThrow();
  await expect.poll(() => heard.length, { timeout: 30_000 }).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop();
  expect(heard).toEqual([['projects']]);
});
