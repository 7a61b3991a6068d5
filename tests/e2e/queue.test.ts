// A sweep from the Train page through the queue: its runs train one after another, also across a reload, and end as one ranked table.
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, storedRecords, type Site } from './harness';
import { pictures, writeFolder } from './support/pictures';

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

test('a sweep is queued, goes on after a reload, is held, reordered and cancelled, and ranks its runs', async () => {
  const { page, problems } = await site.open();
  await page.locator('input[webkitdirectory]').first().setInputFiles(folder);
  await page.getByRole('link', { name: 'Train a model' }).click();
  await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('60');
  await page.getByRole('button', { name: 'Sweep…' }).click();
  await page.getByRole('textbox', { name: 'Values of Optimiser: learning rate' }).fill('0.001, 0.01, 0.02, 0.03');
  await page.getByText('240 epochs in all').waitFor();
  await page.getByRole('button', { name: 'Queue 4 runs' }).click();

  const queue = page.getByRole('list', { name: 'Queue' });
  await queue.getByText('Training').waitFor({ timeout: 60_000 });
  // Names in the order of their turns; the one that trains comes first.
  const names = () => queue.locator('li[data-entry] .font-medium').allInnerTexts();
  const [first, second, third, fourth] = ['0.001', '0.01', '0.02', '0.03'].map((rate) => `learning_rate ${rate}`);
  expect(await names()).toEqual([first, second, third, fourth]);
  await page.getByRole('button', { name: 'Hold the queue' }).click();
  await page.getByRole('button', { name: `Move ${fourth} up` }).click();
  await expect.poll(names).toEqual([first, second, fourth, third]);
  await page.getByRole('button', { name: `Move ${second} down` }).press('Alt+ArrowDown');
  await expect.poll(names).toEqual([first, fourth, second, third]);
  await page.getByRole('button', { name: `Cancel ${third}` }).click();
  await page.getByRole('button', { name: `Cancel ${second}` }).click();
  await page.getByRole('button', { name: 'Clear 2 ended' }).click();
  await expect.poll(names).toEqual([first, fourth]);

  // In the middle of the first run. What is held stays held.
  await page.reload();
  await page.getByRole('button', { name: 'Continue the queue' }).click();
  const table = page.getByRole('region', { name: /^Grid: learning_rate/ }).last();
  await table.getByText('Done').nth(1).waitFor({ timeout: 240_000 });
  await expect.poll(() => queue.count()).toBe(0);
  const rows = table.locator('tbody tr');
  // It went on with the run that it had begun: two runs, not three.
  expect(await rows.count()).toBe(2);
  expect((await storedRecords(page)).runs).toBe(2);
  expect(await rows.first().locator('td').nth(1).innerText()).toBe('1');
  expect(await rows.locator('td').allInnerTexts()).toEqual(expect.arrayContaining(['0.001', '0.03']));
  expect(problems).toEqual([]);
});
