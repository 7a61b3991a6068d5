// Several classes an image in the database: the task of a project follows its data, edits count every class.

import { describe, expect, test } from 'vitest';
import { classesOf } from '$lib/core/annotations';
import { exclude, renameClasses, resplit, setHead } from '$lib/data/versions';
import { openDatabase } from '$lib/storage/database';
import { getVersion, listVersions } from '$lib/storage/datasets';
import { getProject } from '$lib/storage/projects';
import type { Annotation, DatasetVersionRecord } from '$lib/storage/records';
import { MIGRATIONS, type Database } from '$lib/storage/schema';
import { fill, freshName, openFresh } from '../storage/open';
import { SPLIT, filesSource, picture, pictures, runImport, type Imported } from './support';

const taskOf = (kind: Annotation['kind']) => (kind === 'classes' ? 'multi_label' : 'classification');

/** The tags of picture i are those of `cells[i]`. */
async function importTags(
  database: Database,
  cells: readonly string[],
  projectId: string | null = null,
): Promise<Imported> {
  const rows = cells.map((cell, i) => `${i}.png,${cell}`);
  const files: Record<string, Uint8Array<ArrayBuffer> | string> = { 'tags.csv': ['image,tags', ...rows].join('\n') };
  for (const i of cells.keys()) files[`${i}.png`] = await picture(i);
  return runImport(database, filesSource('tagged', files), { projectId }, { taskOf });
}

function names({ items, classes }: DatasetVersionRecord): string[] {
  return items.map(({ annotation }) =>
    classesOf(annotation)
      .map((i) => classes[i].name)
      .join('+'),
  );
}

describe('the task', () => {
  test('of a new project is that of its data', async () => {
    const database = await openFresh();
    const { summary } = await importTags(database, ['sea|sky', 'sky', '', 'sea']);
    expect(summary).toMatchObject({ task: 'multi_label', notices: [expect.stringContaining('yes or no')] });
    expect((await getProject(database, summary.projectId)).task).toBe('multi_label');
    const version = await getVersion(database, summary.versionId);
    expect(names(version)).toEqual(['sea+sky', 'sky', '', 'sea']);
    const [{ classCounts, preview }] = await listVersions(database, summary.datasetId);
    expect(classCounts).toEqual([2, 2]);
    // Three images have a class; that with two is shown once.
    expect(new Set(preview).size).toBe(preview.length);
    expect(preview).toHaveLength(3);
  });

  test('of a project with one class an image changes with the import, and back with its undo', async () => {
    const database = await openFresh();
    const first = await runImport(database, filesSource('plain', await pictures(['a', 'b'], 3)), {}, { taskOf });
    expect(first.summary).toMatchObject({ task: 'classification', notices: [] });
    const { projectId, datasetId } = first.summary;
    const { summary } = await importTags(database, ['sea|sky', 'sky', 'sea'], projectId);
    expect((await getProject(database, projectId)).task).toBe('multi_label');
    await setHead(database, datasetId, first.summary.versionId);
    expect((await getProject(database, projectId)).task).toBe('classification');
    await setHead(database, datasetId, summary.versionId);
    expect((await getProject(database, projectId)).task).toBe('multi_label');
    // An edit keeps it.
    await resplit(database, summary.versionId, SPLIT);
    expect((await getProject(database, projectId)).task).toBe('multi_label');
  });

  test('of a project with several stays where one class an image is added', async () => {
    const database = await openFresh();
    const { summary } = await importTags(database, ['sea|sky', 'sky', 'sea']);
    const { projectId } = summary;
    const again = await runImport(
      database,
      filesSource('plain', await pictures(['a', 'b'], 3)),
      { projectId },
      { taskOf },
    );
    expect(again.summary).toMatchObject({ task: 'multi_label', notices: [] });
    expect((await getProject(database, projectId)).task).toBe('multi_label');
  });

  test('of an older version is its project’s', async () => {
    const name = freshName();
    const old = await openDatabase({ name, migrations: MIGRATIONS.slice(0, 2) });
    const { project, dataset, version } = await fill(old, 'old', ['one', 'two']);
    expect(version).not.toHaveProperty('task');
    old.close();
    const database = await openFresh({ name });
    const { summary } = await importTags(database, ['sea|sky', 'sky', 'sea'], project.id);
    expect(summary.datasetId).toBe(dataset.id);
    expect((await getProject(database, project.id)).task).toBe('multi_label');
    await setHead(database, dataset.id, version.id);
    expect((await getProject(database, project.id)).task).toBe('classification');
  });
});

describe('an edit', () => {
  async function imported(): Promise<{ database: Database; first: DatasetVersionRecord }> {
    const database = await openFresh();
    const { summary } = await importTags(database, ['a|b', 'b|c', 'c', '', 'a|b|c']);
    return { database, first: await getVersion(database, summary.versionId) };
  }

  test('merges classes, also of an image that has both', async () => {
    const { database, first } = await imported();
    const next = await renameClasses(database, first.id, ['x', 'x', 'c']);
    expect(names(next)).toEqual(['x', 'x+c', 'c', '', 'x+c']);
    expect(next.classes).toEqual([{ name: 'x' }, { name: 'c' }]);
    // One is enough: an image may lack it.
    const one = await renameClasses(database, next.id, ['x', 'x']);
    expect(names(one)).toEqual(['x', 'x', 'x', '', 'x']);
  });

  test('takes a class away with its last image', async () => {
    const { database, first } = await imported();
    const next = await exclude(database, first.id, ['0.png', '4.png']);
    expect(names(next)).toEqual(['b+c', 'c', '']);
    expect(next.classes).toEqual([{ name: 'b' }, { name: 'c' }]);
    await expect(exclude(database, next.id, ['1.png', '2.png'])).rejects.toMatchObject({ code: 'one-class' });
  });
});

test('a table whose images all have no class has nothing to learn', async () => {
  const database = await openFresh();
  const files = { 'tags.csv': 'image,tags\n0.png,\n1.png,\n', '0.png': await picture(0), '1.png': await picture(1) };
  await expect(runImport(database, filesSource('tagged', files), {}, { taskOf })).rejects.toMatchObject({
    code: 'no-images',
  });
});
