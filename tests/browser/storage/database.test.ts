// Opening: upgrades that keep the data, and every way in which two tabs can be in each other's way.

import { openDB } from 'idb';
import { expect, onTestFinished, test } from 'vitest';
import type { TrainyardError } from '$lib/core/errors';
import { openDatabase } from '$lib/storage/database';
import { createProject, listProjects } from '$lib/storage/projects';
import { MIGRATIONS, STORE_NAMES, type Migration } from '$lib/storage/schema';
import { freshName, openFresh } from './open';

/** What a next version could do: rewrite every record. */
const shout: Migration = async (_database, transaction) => {
  for await (const cursor of transaction.objectStore('projects')) {
    await cursor.update({ ...cursor.value, name: cursor.value.name.toUpperCase() });
  }
};

test('a new database has every store', async () => {
  const database = await openFresh();
  expect([...database.objectStoreNames].sort()).toEqual([...STORE_NAMES].sort());
});

test('an older database is upgraded and keeps its data', async () => {
  const name = freshName();
  const old = await openDatabase({ name });
  const { id } = await createProject(old, { name: 'flowers', task: 'classification' });
  old.close();
  const database = await openFresh({ name, migrations: [...MIGRATIONS, shout] });
  expect(database.version).toBe(MIGRATIONS.length + 1);
  expect((await listProjects(database)).map((project) => [project.id, project.name])).toEqual([[id, 'FLOWERS']]);
});

test('a migration that fails leaves the older database as it was', async () => {
  const name = freshName();
  const old = await openDatabase({ name });
  await createProject(old, { name: 'flowers', task: 'classification' });
  old.close();
  const broken: Migration = async (database, transaction) => {
    await shout(database, transaction);
    throw new Error('a mistake in the migration');
  };
  await expect(openDatabase({ name, migrations: [...MIGRATIONS, broken] })).rejects.toMatchObject({
    code: 'storage-unavailable',
    message: expect.stringContaining('a mistake in the migration') as string,
  });
  const database = await openFresh({ name });
  expect(database.version).toBe(MIGRATIONS.length);
  expect((await listProjects(database))[0].name).toBe('flowers');
});

test('a database written by a newer version asks for a reload', async () => {
  const name = freshName();
  await openFresh({ name, migrations: [...MIGRATIONS, shout] });
  await expect(openDatabase({ name })).rejects.toMatchObject({ code: 'storage-newer' });
});

test('a tab steps aside for a newer version and says so', async () => {
  const name = freshName();
  const closed: TrainyardError[] = [];
  const old = await openDatabase({ name, onClosed: (reason) => closed.push(reason) });
  await openFresh({ name, migrations: [...MIGRATIONS, shout] });
  expect(closed.map(({ code }) => code)).toEqual(['storage-outdated']);
  await expect(createProject(old, { name: 'late', task: 'classification' })).rejects.toMatchObject({
    code: 'storage-closed',
  });
});

test('a tab that must not close is named as the reason, and its late release does no harm', async () => {
  const name = freshName();
  const busy = await openDatabase({ name, mayClose: () => false });
  const options = { name, migrations: [...MIGRATIONS, shout], blockedAfterMs: 50 };
  await expect(openDatabase(options)).rejects.toMatchObject({ code: 'storage-blocked' });
  await createProject(busy, { name: 'still works', task: 'classification' });
  busy.close();
  const database = await openFresh(options);
  expect(await listProjects(database)).toHaveLength(1);
});

test('a connection from before the upgrade protocol blocks with the same message', async () => {
  const name = freshName();
  const foreign = await openDB(name, 1);
  onTestFinished(() => foreign.close());
  const options = { name, migrations: [...MIGRATIONS, shout], blockedAfterMs: 50 };
  await expect(openDatabase(options)).rejects.toMatchObject({ code: 'storage-blocked' });
});
