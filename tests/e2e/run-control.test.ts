// A run is held, gone on with, saved, stopped, gone on with again and made longer, from the tab that trains it and from another one.
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, type Site } from './harness';

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 180_000);

afterAll(async () => {
  await site.close();
});

const log = (page: Page) => page.getByRole('region', { name: 'Log', includeHidden: true });
const state = (page: Page, word: string) => page.getByRole('main').getByText(word, { exact: true }).first();
const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

/** '1,234' of 'step 1,234 of 5,000'. */
async function step(page: Page): Promise<number> {
  const said = (await page.getByRole('status').filter({ hasText: /step/ }).first().textContent()) ?? '';
  return Number(/step ([\d,]+) of/.exec(said)?.[1].replaceAll(',', '') ?? -1);
}

async function logged(page: Page, pattern: RegExp): Promise<number> {
  return [...((await log(page).textContent()) ?? '').matchAll(pattern)].length;
}

test('a run is paused, continued, saved, stopped, resumed and extended; a second tab sees it live and cannot start it twice', async () => {
  const { page: first, problems } = await site.open();
  await button(first, 'Try a sample').first().click();
  await state(first, 'Running').waitFor({ timeout: 120_000 });
  await expect.poll(() => step(first), { timeout: 60_000 }).toBeGreaterThan(0);

  // With the key, from the page that trains.
  await first.keyboard.press('p');
  await state(first, 'Paused').waitFor();
  expect(await first.title()).toMatch(/^Paused at \d+ %/);
  const held = await step(first);
  await first.waitForTimeout(1_500);
  expect(await step(first)).toBe(held);

  // The other tab sees it as it is, and has the same buttons.
  const address = first.url().replace(site.url, '');
  const { page: second, problems: others } = await site.open(address);
  await second.getByText('This run trains in another tab.').waitFor();
  await state(second, 'Paused').waitFor();
  for (const name of ['Resume', 'Train longer']) expect(await button(second, name).count()).toBe(0);
  await button(second, 'Continue').click();
  await state(first, 'Running').waitFor();
  await state(second, 'Running').waitFor();
  const seen = await step(second);
  await expect.poll(() => step(second), { timeout: 60_000 }).toBeGreaterThan(Math.max(held, seen));

  await button(second, 'Save checkpoint').click();
  const saved = second.getByRole('table').filter({ hasText: 'saved-' });
  await saved.waitFor();
  await saved.getByText('on request').waitFor();

  await button(second, 'Stop training').click();
  await state(first, 'Stopped').waitFor({ timeout: 60_000 });
  await state(second, 'Stopped').waitFor({ timeout: 60_000 });
  expect(await button(second, 'Pause').count()).toBe(0);

  // Both at once: one of them trains it.
  const before = await logged(first, /Went on from step/g);
  await Promise.allSettled([first, second].map((page) => button(page, 'Resume').click({ timeout: 10_000 })));
  await state(first, 'Running').waitFor();
  await state(second, 'Running').waitFor();
  await expect.poll(() => step(first), { timeout: 60_000 }).toBeGreaterThan(0);
  const follows = await Promise.all(
    [first, second].map((page) => page.getByText('This run trains in another tab.').count()),
  );
  expect(follows.toSorted()).toEqual([0, 1]);
  expect(await logged(first, /Went on from step/g)).toBe(before + 1);
  // With the key, while it runs.
  await first.keyboard.press('s');
  await state(second, 'Stopped').waitFor({ timeout: 60_000 });
  await state(first, 'Stopped').waitFor({ timeout: 60_000 });

  const epochs = async () =>
    /(\d+) of (\d+)/.exec(
      (await first
        .getByText(/^\d+ of \d+$/)
        .first()
        .textContent()) ?? '',
    );
  const [, done] = (await epochs()) ?? [];
  await button(first, 'Train longer').click();
  await first.getByRole('spinbutton', { name: 'More epochs' }).fill('1');
  await button(first, 'Train on').click();
  await state(first, 'Running').waitFor();
  await state(first, 'Done').waitFor({ timeout: 120_000 });
  await expect.poll(async () => Number((await epochs())?.[1])).toBeGreaterThanOrEqual(Number(done) + 1);

  expect(problems).toEqual([]);
  expect(others).toEqual([]);
  await second.close();
  await first.close();
});

test('a tab that the browser had discarded goes on with its run and says how long it was away', async () => {
  const { page } = await site.open();
  // A browser says so only of tabs that it threw away for want of memory, which no test can make it do.
  await page.addInitScript(() => {
    Object.defineProperty(document, 'wasDiscarded', { value: sessionStorage.getItem('trainyard:training') !== null });
  });
  await button(page, 'Try a sample').first().click();
  await state(page, 'Running').waitFor({ timeout: 120_000 });
  await expect.poll(() => logged(page, /Kept the last checkpoint/g), { timeout: 60_000 }).toBeGreaterThan(0);

  await page.reload();
  const toasts = page.getByRole('region', { name: 'Notifications' });
  await toasts.getByText('tiny-cnn 1 went on by itself').waitFor({ timeout: 60_000 });
  await state(page, 'Running').waitFor();
  await expect.poll(() => logged(page, /The tab was closed for .*; the run went on by itself/g)).toBe(1);
  await button(page, 'Stop training').click();
  await state(page, 'Stopped').waitFor({ timeout: 60_000 });
  await page.close();
});

test('leaving the page asks first while a run trains, and not when it has ended', async () => {
  const { page } = await site.open();
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.dismiss();
  });
  await button(page, 'Try a sample').first().click();
  await state(page, 'Running').waitFor({ timeout: 120_000 });
  // In-app navigation goes on training and asks nothing.
  await page.getByRole('navigation').getByRole('link', { name: 'Data', exact: true }).click();
  await page.getByRole('link', { name: /Training/ }).click();
  await state(page, 'Running').waitFor();
  expect(asked).toEqual([]);
  await page.reload({ timeout: 5_000 }).catch(() => undefined);
  expect(asked).toEqual(['beforeunload']);
  await button(page, 'Stop training').click();
  await state(page, 'Stopped').waitFor({ timeout: 60_000 });
  await page.reload();
  await state(page, 'Stopped').waitFor();
  expect(asked).toEqual(['beforeunload']);
  await page.close();
});
