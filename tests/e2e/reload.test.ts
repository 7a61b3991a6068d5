// A run is never lost: not when the tab is reloaded in the middle of it, and not when it is stopped.
import { rm } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, type Site } from './harness';
import { pictures, writeFolder } from './support/pictures';

/** So many that no machine is through before the page is reloaded. */
const EPOCHS = 400;

let site: Site;
let folder: string;

beforeAll(async () => {
  site = await openSite();
  folder = await writeFolder(pictures(24, { size: 16 }));
}, 180_000);

afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

const log = (page: Page) => page.getByRole('region', { name: 'Log', includeHidden: true });

/** The newest epoch that the log tells of; 0 before the first. */
async function epochsTold(page: Page): Promise<number> {
  const told = [...((await log(page).textContent()) ?? '').matchAll(/Epoch (\d+):/g)];
  return Number(told.at(-1)?.[1] ?? 0);
}

/** Rows of a chart's table; a curve of a chart has as many points. */
async function lossEpochs(page: Page): Promise<string[]> {
  await page.getByRole('button', { name: 'Show Loss as a table' }).click();
  const rows = page.getByRole('region', { name: 'Loss, table' }).locator('tbody tr');
  await rows.first().waitFor();
  const cells = await rows.locator('td:first-child').allInnerTexts();
  await page.getByRole('button', { name: 'Show Loss as a chart' }).click();
  return cells;
}

test('a reload in the middle keeps the run, its curves and its checkpoints; it goes on, and stop keeps best and last', async () => {
  const { page, problems } = await site.open();
  await page.locator('input[webkitdirectory]').first().setInputFiles(folder);
  await page.getByRole('link', { name: 'Train a model' }).click();
  await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill(String(EPOCHS));
  await page.getByRole('button', { name: `Train tiny-cnn for ${EPOCHS} epochs` }).click();
  await page.getByText('Running', { exact: true }).waitFor();
  await expect.poll(() => epochsTold(page), { timeout: 60_000 }).toBeGreaterThanOrEqual(4);
  await expect.poll(() => log(page).textContent()).toContain('Kept the last checkpoint');

  const before = await epochsTold(page);
  await page.reload();
  await page.getByText('Interrupted', { exact: true }).waitFor();
  await page.getByText('It can go on from its last checkpoint').waitFor();
  const kept = await epochsTold(page);
  // The log shown here was read from storage; at most the epoch of the reload itself may be missing.
  expect(kept).toBeGreaterThanOrEqual(before - 1);
  expect((await lossEpochs(page)).length).toBeGreaterThanOrEqual(kept);
  await page.getByText('best, last').waitFor();

  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('Running', { exact: true }).waitFor();
  await expect.poll(() => log(page).textContent()).toMatch(/Went on from step \d/);
  await expect.poll(() => epochsTold(page), { timeout: 60_000 }).toBeGreaterThan(kept + 1);
  // It goes on, it does not begin again: no epoch is told of twice after the last checkpoint.
  const told = ((await log(page).textContent()) ?? '').split('Went on from step')[1];
  expect(Number(/Epoch (\d+):/.exec(told)?.[1])).toBeGreaterThan(1);

  await page.getByRole('button', { name: 'Stop training' }).click();
  await page.getByText('Stopped', { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText('best, last').waitFor();
  // Evaluated on the images that were held out.
  await page.getByText('Test accuracy', { exact: true }).waitFor();
  await page.getByText(/on 11 test images/).waitFor();
  await page.getByRole('link', { name: 'Export', exact: true }).first().waitFor();

  await page.reload();
  await page.getByText('Stopped', { exact: true }).waitFor();
  await page.getByText(/on 11 test images/).waitFor();
  expect(problems).toEqual([]);
  await page.close();
});
