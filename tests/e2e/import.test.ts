// All the ways in which images come in, what is said about them, and what can be done with them before training.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite, storedRecords, type Site } from './harness';
import { hugePng, idxPair, picture, pictures, truncatedJpeg, writeFolder, type NamedFile } from './support/pictures';
import { zipOf } from './support/zips';

let site: Site;
const folders: string[] = [];

beforeAll(async () => {
  site = await openSite();
}, 180_000);

afterAll(async () => {
  await site.close();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function folderOf(files: readonly NamedFile[]): Promise<string> {
  const folder = await writeFolder(files);
  folders.push(folder);
  return folder;
}

async function zipFile(name: string, files: readonly NamedFile[]): Promise<string> {
  const folder = await folderOf([{ path: name, bytes: await zipOf(files) }]);
  return join(folder, name);
}

/** Opens "New project" with the named tab. Works on an empty home page and on one with projects. */
async function newProject(page: Page, tab: string): Promise<void> {
  await page.getByRole('button', { name: /^(New project|More ways)$/ }).click();
  await page.getByRole('tab', { name: tab }).click();
}

const files = (page: Page) => page.getByRole('dialog').locator('input[type=file]:not([webkitdirectory])');

/** Waits for the Data screen and its headline. */
async function arrived(page: Page, headline: string): Promise<void> {
  await page.getByRole('heading', { name: 'Data', exact: true }).waitFor();
  await page.getByText(headline, { exact: true }).waitFor();
}

describe('ways in', () => {
  test('a chosen folder with train, val and test keeps its split', async () => {
    const { page, problems } = await site.open();
    const folder = await folderOf([
      ...pictures(6, { above: 'train' }),
      ...pictures(2, { above: 'val', first: 50 }),
      ...pictures(3, { above: 'test', first: 90 }),
    ]);
    await page.locator('input[webkitdirectory]').first().setInputFiles(folder);
    await arrived(page, '33 images in 3 classes');
    const summary = page.getByLabel('Summary of the data');
    for (const [split, count] of [
      ['Train', 18],
      ['Validation', 6],
      ['Test', 9],
    ] as const) {
      await summary.getByRole('button', { name: new RegExp(`${split}.*${count}`) }).waitFor();
    }
    // Every picture of the screen is shown, not only a place for it.
    const shown = page.getByRole('listbox', { name: 'Images' }).locator('img');
    await expect.poll(() => shown.count()).toBe(33);
    await expect
      .poll(() =>
        shown.evaluateAll((images) => images.every((image) => (image as HTMLImageElement).naturalWidth === 24)),
      )
      .toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a folder dropped on the page becomes a project of its name', async () => {
    const { page } = await site.open();
    const folder = await folderOf(pictures(4).map((file) => ({ ...file, path: `kites/${file.path}` })));
    await page.getByRole('heading', { level: 1 }).waitFor();
    const devtools = await site.context.newCDPSession(page);
    const data = { items: [], files: [join(folder, 'kites')], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    }
    await page.getByText('Drop to start a project').waitFor();
    await devtools.send('Input.dispatchDragEvent', { type: 'drop', x: 300, y: 300, data });
    await arrived(page, '12 images in 3 classes');
    await page.getByRole('button', { name: /^kites/ }).waitFor();
    await page.close();
  });

  test('a zip with a folder in it and names beyond ASCII', async () => {
    const { page } = await site.open();
    const inside = pictures(4, { classes: ['blue', 'green'] }).map(({ path, bytes }) => ({
      path: `Fotos/${path.replace('blue/', 'Grüße 青/').replace('green/', 'été/')}`,
      bytes,
    }));
    await newProject(page, 'Folder or zip');
    await files(page).setInputFiles(await zipFile('Urlaub.zip', inside));
    await arrived(page, '8 images in 2 classes');
    await page.getByLabel('Summary of the data').getByText('Grüße 青').waitFor();
    await page.close();
  });

  test('files chosen for each class', async () => {
    const { page } = await site.open();
    const folder = await folderOf([...pictures(3), { path: 'loose/one.png', bytes: picture('amber', 70) }]);
    await newProject(page, 'Files per class');
    const dialog = page.getByRole('dialog');
    const start = dialog.getByRole('button', { name: 'Import images' });
    expect(await start.isDisabled()).toBe(true);
    for (const [row, name] of ['blue', 'green'].entries()) {
      await dialog.getByLabel(`Name of class ${row + 1}`, { exact: true }).fill(name);
      const chosen = [0, 1, 2].map((i) => join(folder, name, `${name}-${i}.png`));
      await files(page).nth(row).setInputFiles(chosen);
    }
    await dialog.getByRole('button', { name: 'Add a class' }).click();
    await dialog.getByLabel('Name of class 3', { exact: true }).fill('other');
    await files(page).nth(2).setInputFiles(join(folder, 'loose/one.png'));
    await start.click();
    await arrived(page, '7 images in 3 classes');
    await page.close();
  });

  test('a gzip IDX pair', async () => {
    const { page } = await site.open();
    const folder = await folderOf(idxPair(40));
    await newProject(page, 'CSV or IDX');
    await files(page).setInputFiles(idxPair(0).map(({ path }) => join(folder, path)));
    await arrived(page, '40 images in 2 classes');
    await page.getByText('28 × 28').first().waitFor();
    await page.close();
  });

  test('a CSV beside its images; what it does not list or what is missing is named', async () => {
    const { page } = await site.open();
    const folder = await folderOf([
      ...[0, 1, 2, 3].map((i) => ({ path: `img-${i}.png`, bytes: picture(i % 2 === 0 ? 'blue' : 'green', i) })),
      { path: 'unlisted.png', bytes: picture('amber', 1) },
      {
        path: 'labels.csv',
        bytes: Buffer.from(
          'filename,label\nimg-0.png,sky\nimg-1.png,grass\nimg-2.png,sky\nimg-3.png,grass\ngone.png,sky\n',
        ),
      },
    ]);
    await newProject(page, 'CSV or IDX');
    await page.getByRole('dialog').locator('input[webkitdirectory]').setInputFiles(folder);
    await arrived(page, '4 images in 2 classes');
    await page.getByRole('button', { name: 'Review' }).click();
    const dialog = page.getByRole('dialog', { name: 'Review the data' });
    await dialog.getByRole('tab', { name: /Files that were left out/ }).click();
    await dialog.getByText('line 6 of labels.csv names it, but it is not there').waitFor();
    await dialog.getByText('"labels.csv" does not list it').waitFor();
    await page.close();
  });
});

describe('what is odd about the data', () => {
  test('unreadable files are named with their reason, and one image with two labels in two splits is shown', async () => {
    const { page } = await site.open();
    const same = picture('blue', 500);
    const folder = await folderOf([
      ...pictures(12, { above: 'train', classes: ['blue', 'green'] }),
      ...pictures(12, { above: 'test', classes: ['blue', 'green'], first: 60 }),
      { path: 'train/blue/twin.png', bytes: same },
      { path: 'test/green/twin.png', bytes: same },
      { path: 'train/blue/list.jpg', bytes: Buffer.from('milk, eggs') },
      { path: 'train/green/half.jpg', bytes: truncatedJpeg() },
      { path: 'train/green/none.gif', bytes: Buffer.alloc(0) },
      { path: 'test/green/huge.png', bytes: hugePng() },
    ]);
    await page.getByRole('button', { name: 'New project' }).click();
    await page.getByRole('dialog').locator('input[webkitdirectory]').setInputFiles(folder);
    await arrived(page, '50 images in 2 classes');
    await page.getByText('1 image has more than one label.').waitFor();
    await page.getByRole('button', { name: 'Review' }).click();
    const dialog = page.getByRole('dialog', { name: 'Review the data' });
    const rows = dialog.getByRole('listitem').filter({ hasText: 'twin.png' });
    expect((await rows.innerText()).replaceAll(/\s+/g, ' ')).toMatch(
      /test\/green\/twin\.png green, test .*train\/blue\/twin\.png blue, train/,
    );
    await dialog.getByRole('tab', { name: /Files that could not be read/ }).click();
    const told = await dialog.getByRole('list').innerText();
    expect(told).toMatch(/train\/blue\/list\.jpg\s+it is a text file, not an image/);
    expect(told).toMatch(/train\/green\/half\.jpg\s+.*(truncated|cut|ends)/);
    expect(told).toMatch(/train\/green\/none\.gif\s+the file is empty \(0 bytes\)/);
    expect(told).toMatch(/test\/green\/huge\.png\s+20,000 x 20,000 pixels is over the limit/);
    await page.close();
  });
});

describe('edits', () => {
  test('another split makes a new version, and the old one can be brought back', async () => {
    const { page } = await site.open();
    await newProject(page, 'Folder or zip');
    await files(page).setInputFiles(await zipFile('split.zip', pictures(20, { classes: ['blue', 'green'] })));
    await arrived(page, '40 images in 2 classes');
    await page.getByRole('button', { name: 'Change split' }).click();
    const dialog = page.getByRole('dialog', { name: 'Split the images' });
    await dialog.getByRole('slider', { name: 'Test share' }).fill('0.4');
    await dialog.getByRole('button', { name: 'Split the images' }).click();
    const versions = page.getByRole('button', { name: /^Version \d/ });
    await expect.poll(() => versions.innerText()).toBe('Version 2');
    const test40 = page.getByLabel('Summary of the data').getByRole('button', { name: /Test.*16/ });
    await test40.waitFor();
    await versions.click();
    await page.getByRole('button', { name: 'Use this' }).click();
    await expect.poll(() => versions.innerText()).toBe('Version 1');
    await test40.waitFor({ state: 'detached' });
    await page.close();
  });

  test('a cancelled import leaves nothing, and a large gallery keeps few elements', async () => {
    const { page } = await site.open();
    const before = await storedRecords(page);
    const large = await zipFile('large.zip', pictures(1500, { size: 8 }));
    await newProject(page, 'Folder or zip');
    await files(page).setInputFiles(large);
    await page.getByText(/\d+ of 4,500 images/).waitFor();
    await page.getByRole('button', { name: 'Cancel import' }).click();
    await page.getByRole('region', { name: 'Import of large' }).waitFor({ state: 'detached' });
    await expect.poll(() => storedRecords(page)).toEqual(before);
    expect(await page.getByRole('link', { name: 'large' }).count()).toBe(0);

    await newProject(page, 'Folder or zip');
    await files(page).setInputFiles(large);
    await arrived(page, '4,500 images in 3 classes');
    const gallery = page.getByRole('listbox', { name: 'Images' });
    await gallery.focus();
    await page.keyboard.press('End');
    await gallery.getByRole('option', { name: 'green, green/green-999.png' }).waitFor();
    expect(await gallery.getByRole('option').count()).toBeLessThan(400);
    await page.close();
  });
});
