// What goes wrong on the page: one clear notice that names the thing and the remedy, and all that was stored stays.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite, storedRecords, type Site } from './harness';
import { hugePng, pictures, truncatedJpeg, writeFolder, type NamedFile } from './support/pictures';
import { bombEntry, encryptedEntry, outsideEntry, zipOf } from './support/zips';

const TEXT = Buffer.from('This is a shopping list: milk, eggs, bread.\n');

let site: Site;
let page: Page;
let problems: string[];
let stored: Record<string, number>;
const folders: string[] = [];

async function folderOf(files: readonly NamedFile[]): Promise<string> {
  const folder = await writeFolder(files);
  folders.push(folder);
  return folder;
}

beforeAll(async () => {
  site = await openSite();
  ({ page, problems } = await site.open());
  // What must survive all the rest.
  await page
    .locator('input[webkitdirectory]')
    .first()
    .setInputFiles(await folderOf(pictures(6)));
  await page.getByText('18 images in 3 classes', { exact: true }).waitFor();
  stored = await storedRecords(page);
  expect(stored).toMatchObject({ projects: 1, versions: 1, blobs: 18 });
}, 180_000);

afterAll(async () => {
  await site.close();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

/** Gives files or a folder to "New project" and returns the notice that comes. */
async function refusal(path: string | readonly string[]): Promise<Locator> {
  await page.goto(`${site.url}#/`);
  await page.getByRole('button', { name: 'New project' }).click();
  const isFolder = typeof path === 'string' && !/\.\w+$/.test(path);
  const input = isFolder ? 'input[webkitdirectory]' : 'input[type=file]:not([webkitdirectory])';
  await page.getByRole('dialog').locator(input).setInputFiles(path);
  const notice = page.getByRole('alert');
  await notice.waitFor();
  return notice;
}

/** Checks the words, that nothing was stored, and that the page is as usable as before. */
async function expectRefused(notice: Locator, parts: readonly (string | RegExp)[]): Promise<void> {
  const text = await notice.innerText();
  for (const part of parts) expect(text).toMatch(part);
  // For people, not for programmers.
  expect(text).not.toMatch(/undefined|TypeError|\[object|\bat \w+\.\w+ \(/);
  expect(await notice.count()).toBe(1);
  await expect.poll(() => storedRecords(page)).toEqual(stored);
  await notice.getByRole('button', { name: 'Dismiss' }).click();
  await notice.waitFor({ state: 'detached' });
  expect(await page.getByRole('article').count()).toBe(1);
}

const twice = (name: string, bytes: Uint8Array) => [1, 2].map((n) => ({ path: `class${n}/${name}`, bytes }));

describe('folders', () => {
  test.each<[string, () => NamedFile[], (string | RegExp)[]]>([
    ['without images', () => [{ path: 'a/notes.txt', bytes: TEXT }], ['No images', '1 .txt', 'Choose a folder or zip']],
    ['with one class', () => pictures(5, { classes: ['blue'] }), ['only one class, "blue" (5 images)', 'Add a folder']],
    ['of text files that are called .jpg', () => twice('list.jpg', TEXT), ['class1/list.jpg: it is a text file']],
    ['of truncated JPEGs', () => twice('half.jpg', truncatedJpeg()), [/class1\/half\.jpg: .*(truncated|cut|ends)/]],
    ['of empty files', () => twice('none.png', Buffer.alloc(0)), ['class1/none.png: the file is empty (0 bytes)']],
    [
      'of headers that promise 20,000 x 20,000 pixels',
      () => twice('huge.png', hugePng()),
      ['class1/huge.png: 20,000 x 20,000 pixels is over the limit', 'scale it down'],
    ],
  ])('%s are refused', async (_, files, parts) => {
    await expectRefused(await refusal(await folderOf(files())), parts);
  });
});

describe('zips', () => {
  test.each<[string, () => Promise<Buffer>, (string | RegExp)[]]>([
    [
      'names that lead outside',
      () => zipOf(pictures(2), [outsideEntry]),
      ['"../../outside/evil.png"', 'pack the folder again'],
    ],
    ['a password', () => zipOf(pictures(2), [encryptedEntry]), ['is protected by a password', 'Unpack it']],
    [
      'a thousandfold compression',
      () => zipOf(pictures(2), [bombEntry]),
      ['was refused', 'times its packed size', 'unpack it yourself'],
    ],
    [
      'nothing but zips',
      async () => zipOf([{ path: 'inner.zip', bytes: await zipOf(pictures(2)) }]),
      ['"inner.zip"', 'Unpack'],
    ],
    ['no zip in them', () => Promise.resolve(TEXT), ['cannot be read as a zip archive', 'Download or pack it again']],
  ])('with %s are refused', async (name, make, parts) => {
    const file = `${name.replaceAll(' ', '-')}.zip`;
    const path = join(await folderOf([{ path: file, bytes: await make() }]), file);
    // The notice's title is the project's name, which is the file's without its ending.
    await expectRefused(await refusal(path), [file.replace('.zip', ''), ...parts]);
  });
});

test('half an IDX pair is refused with the name of the other half', async () => {
  const folder = await folderOf([{ path: 'train-images-idx3-ubyte.gz', bytes: TEXT }]);
  const notice = await refusal([join(folder, 'train-images-idx3-ubyte.gz')]);
  await expectRefused(notice, ['train-images-idx3-ubyte.gz holds images', 'labels is missing', 'Drop both together']);
});

test('a class with one image can be looked at, but not trained on', async () => {
  const folder = await folderOf([
    ...pictures(8, { classes: ['blue', 'green'] }),
    ...pictures(1, { classes: ['amber'] }),
  ]);
  await page.goto(`${site.url}#/`);
  await page.getByRole('button', { name: 'New project' }).click();
  await page.getByRole('dialog').locator('input[webkitdirectory]').setInputFiles(folder);
  await page.getByText('17 images in 3 classes', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Train a model' }).click();
  await page.getByText('Class "amber" has only one image').first().waitFor();
  await page.getByText('Add images of it, exclude that image, or merge the class with another.').waitFor();
  expect(await page.getByRole('button', { name: /^Train tiny-cnn for/ }).isDisabled()).toBe(true);
});

describe('job files on the Train page', () => {
  const JOB = { version: 1, model: { name: 'tiny-cnn' } };

  test.each<[string, string, string[]]>([
    ['an unknown field', JSON.stringify({ ...JOB, epocs: 3 }), ['epocs']],
    ['a wrong type', JSON.stringify({ ...JOB, training: { epochs: 'many' } }), ['training.epochs', '"many"']],
    ['an unknown model', JSON.stringify({ ...JOB, model: { name: 'resnet81' } }), ['resnet81', 'resnet18']],
    [
      'a learning rate of -1',
      JSON.stringify({ ...JOB, optimizer: { learning_rate: -1 } }),
      ['optimizer.learning_rate', '-1'],
    ],
    ['no JSON', '{"version": 1,', ['is not JSON', 'Choose a job.json file']],
  ])('%s: it is said and nothing is changed', async (name, text, parts) => {
    await page.goto(`${site.url}#/`);
    await page.getByRole('article').last().getByRole('link').click();
    await page.getByRole('navigation').getByRole('link', { name: 'Train', exact: true }).click();
    const start = page.getByRole('button', { name: /^Train tiny-cnn for/ });
    const before = await start.innerText();
    const file = `${name.replaceAll(' ', '-')}.json`;
    const folder = await folderOf([]);
    await writeFile(join(folder, file), text);
    await page.getByText('Job as JSON').first().click();
    await page.locator('input[type=file][accept*="application/json"]').setInputFiles(join(folder, file));
    const notice = page.getByRole('alert').filter({ hasText: file });
    await notice.waitFor();
    const told = await notice.innerText();
    for (const part of parts) expect(told).toContain(part);
    expect(await start.innerText()).toBe(before);
  });

  test('a learning rate of -1 in the form is marked, and training waits', async () => {
    const field = page.getByRole('spinbutton', { name: 'Learning rate', exact: true });
    await page.locator('summary', { hasText: 'Optimiser' }).click();
    await field.fill('-1');
    await page
      .getByText(/Learning rate must be above 0/)
      .first()
      .waitFor();
    expect(await page.getByRole('button', { name: /^Train tiny-cnn for/ }).isDisabled()).toBe(true);
  });
});

test('the console stayed quiet through all of it', () => {
  expect(problems).toEqual([]);
});
