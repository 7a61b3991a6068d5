// Every screen, in both themes and at the narrowest and the widest window: axe finds nothing serious, nothing scrolls sideways,
// and the keyboard alone reaches what a screen is for.
import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listingOf, startHub, type HubServer } from '../support/hub-server';
import { openSite, type Site } from './harness';
import { picture, pictures, writeFolder } from './support/pictures';
import { weightsOf } from './support/weights';

/** Comes so slowly that its progress is still there when it is looked at. */
const COMING = 'tests/slow.one';

let site: Site;
let hub: HubServer;
let page: Page;
let folder: string;
let axe: string;
/** '#/project/...' of the project, without the screen. */
let project: string;

beforeAll(async () => {
  hub = await startHub();
  const bytes = new Uint8Array(30_000_000);
  hub.files.set(`${COMING}/model.safetensors`, { bytes, slow: { pieceBytes: 10_000, milliseconds: 500 } });
  hub.models.set(COMING, listingOf({ 'model.safetensors': bytes }));
  hub.files.set('tests/offered.one/model.safetensors', { bytes });
  site = await openSite({ hub: hub.hub });
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  folder = await writeFolder([
    ...pictures(20, { size: 16 }),
    { path: 'blue/damaged.png', bytes: Buffer.from('no image') },
  ]);
  ({ page } = await site.open());
  page.setDefaultTimeout(15_000);
  await page.locator('input[webkitdirectory]').first().setInputFiles(folder);
  await page.waitForURL(/\/data$/);
  project = new URL(page.url()).hash.replace(/\/data.*/, '');
  await page.getByRole('link', { name: 'Train a model' }).click();
  await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('3');
  await page.getByRole('button', { name: 'Train tiny-cnn for 3 epochs' }).click();
  await page.getByText('Done', { exact: true }).waitFor({ timeout: 120_000 });
  await page.goto(`${site.url}#/weights`);
  await page.locator('input[type=file]:not([webkitdirectory])').setInputFiles({
    name: 'colours.safetensors',
    mimeType: 'application/octet-stream',
    buffer: await weightsOf('mobilenetv1_025'),
  });
  await page.getByRole('row').filter({ hasText: 'colours.safetensors' }).waitFor();
}, 240_000);

afterAll(async () => {
  await site.close();
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens an address and waits until nothing is a grey place for something that is still being read. */
const go = async (hash: string) => {
  await page.goto(`${site.url}${hash}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await expect.poll(() => page.locator('.animate-pulse').count()).toBe(0);
};

const startFrom = () => page.getByRole('group', { name: 'Start from' });

/** The Train screen with a model that starts from a file, and a download beside it. */
async function openTrainWithWeights(): Promise<void> {
  await go(`${project}/train`);
  await page.getByRole('searchbox', { name: 'Search models' }).fill('mobilenetv1_025');
  await page.getByRole('group', { name: 'Model', exact: true }).getByRole('radio').check({ force: true });
  await startFrom().getByRole('listitem').filter({ hasText: 'colours.safetensors' }).getByRole('radio').check();
  await page.getByText(/^All \d+ tensors of the backbone are there\./).waitFor();
  await ensureComing(startFrom().getByRole('textbox'));
}

/** Asks for the weights that never come whole, unless they are on their way. */
async function ensureComing(field: Locator): Promise<void> {
  const progress = page.getByRole('progressbar', { name: new RegExp(COMING) });
  if ((await progress.count()) > 0) return;
  await field.fill(COMING);
  await field.press('Enter');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^(Download|Go on downloading)$/ })
    .click();
  await progress.waitFor();
}

/** Opens a screen with something in it, and waits for its last part. */
const SCREENS: readonly [string, () => Promise<void>][] = [
  ['projects', () => go('#/')],
  ['overview', () => go(project)],
  [
    'data',
    async () => {
      await go(`${project}/data`);
      await page.getByRole('option').first().waitFor();
    },
  ],
  [
    'data with an image chosen',
    async () => {
      await go(`${project}/data`);
      await page.getByRole('option').first().click();
      await page
        .getByRole('button', { name: /^Exclude/ })
        .first()
        .waitFor();
    },
  ],
  [
    'review of the data',
    async () => {
      await go(`${project}/data`);
      await page.getByRole('button', { name: 'Review' }).click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'train',
    async () => {
      await go(`${project}/train`);
      await page.getByRole('button', { name: /^Train tiny-cnn for/ }).waitFor();
    },
  ],
  ['train with weights', openTrainWithWeights],
  [
    'what a model takes of weights',
    async () => {
      await openTrainWithWeights();
      await page.getByRole('button', { name: 'Show what is loaded' }).click();
      await page
        .getByRole('dialog')
        .getByRole('tab', { name: /^Other shape/ })
        .click();
    },
  ],
  [
    'an offer of weights',
    async () => {
      await go('#/weights');
      await page.getByRole('textbox', { name: 'From the hub or an address' }).fill('tests/offered.one');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'weights',
    async () => {
      await go('#/weights');
      await page.getByRole('row').filter({ hasText: 'colours.safetensors' }).waitFor();
      await ensureComing(page.getByRole('textbox', { name: 'From the hub or an address' }));
    },
  ],
  [
    'storage',
    async () => {
      await go('#/');
      // A narrow window has it in its menu; the palette is everywhere.
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').getByRole('combobox').fill('takes storage');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByText('colours.safetensors').waitFor();
    },
  ],
  [
    'runs',
    async () => {
      await go(`${project}/runs`);
      await page.getByRole('link', { name: 'tiny-cnn 1' }).first().waitFor();
    },
  ],
  [
    'run',
    async () => {
      await go(`${project}/runs`);
      await page.getByRole('link', { name: 'tiny-cnn 1' }).first().click();
      await page.getByText('Test accuracy', { exact: true }).waitFor();
    },
  ],
  [
    'evaluate',
    async () => {
      await go(`${project}/evaluate`);
      await page
        .getByRole('heading', { name: /confusion/i })
        .first()
        .waitFor();
    },
  ],
  [
    'predict',
    async () => {
      await go(`${project}/predict`);
      await page.locator('input[type=file][accept="image/*"]').setInputFiles({
        name: 'new.png',
        mimeType: 'image/png',
        buffer: picture('green', 999, 16),
      });
      await page.getByRole('article', { name: /^new\.png: / }).waitFor({ timeout: 60_000 });
    },
  ],
  [
    'export',
    async () => {
      await go(`${project}/export`);
      await page.getByRole('button', { name: 'Download bundle' }).waitFor();
    },
  ],
  ['open a bundle', () => go('#/predict')],
  ['an address that leads nowhere', () => go('#/nowhere')],
  [
    'new project',
    async () => {
      await go('#/');
      await page.getByRole('button', { name: 'New project' }).click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'command palette',
    async () => {
      await go('#/');
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').waitFor();
    },
  ],
];

/** What axe calls serious or critical, as 'rule: element'. Dialogs end the entrance that would change colours under it first. */
async function serious(): Promise<string[]> {
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined))),
  );
  // Evaluated by the debugger: the page's own policy would refuse a script element.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => {
    const { axe: runner } = window as unknown as { axe: { run(): Promise<AxeResults> } };
    return runner.run();
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** Elements that hold the page or its main part wider than the window. */
function wider(): Promise<string[]> {
  return page.evaluate(() => {
    const scrollers = [document.documentElement, document.body, ...document.querySelectorAll('main, [role=dialog]')];
    return scrollers
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName} is ${element.scrollWidth} in ${element.clientWidth} pixels`);
  });
}

describe.each(SCREENS)('%s', (_, open) => {
  test('axe finds nothing serious, light or dark', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await open();
      expect(await serious(), colorScheme).toEqual([]);
    }
  });

  test('nothing scrolls sideways at 390 and at 2,560 pixels', async () => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    for (const width of [390, 2560]) {
      await page.setViewportSize({ width, height: 844 });
      await open();
      expect(await wider(), `${width} pixels`).toEqual([]);
    }
  });
});

describe('the keyboard alone', () => {
  /** Presses Tab until the focus is on what is wanted; tells what was passed if it never comes. */
  async function tabTo(wanted: RegExp, most = 80): Promise<void> {
    const passed: string[] = [];
    for (let presses = 0; presses < most; presses++) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
      });
      if (wanted.test(name)) return;
      passed.push(name.slice(0, 40));
    }
    throw new Error(`${String(wanted)} was not reached; the focus passed ${passed.join(' | ')}`);
  }

  beforeAll(() => page.setViewportSize({ width: 1280, height: 800 }));

  test('skips to the content', async () => {
    await go('#/');
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await tabTo(/^Skip to content$/, 1);
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
  });

  test.each<[string, () => string, RegExp]>([
    ['a new project', () => '#/', /^New project$/],
    ['training, from the data', () => `${project}/data`, /^Train a model$/],
    ['the start of a run', () => `${project}/train`, /^Train\s[^]* for \d+ epoch/],
    ['a weights file', () => `${project}/train`, /^Open a weights file$/],
    ['a file of weights to keep', () => '#/weights', /^Choose a file$/],
    ['the bundle', () => `${project}/export`, /^Download bundle$/],
    ['images to predict', () => `${project}/predict`, /^Choose images$/],
  ])('reaches %s', async (_, hash, wanted) => {
    await go(hash());
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await expect.poll(() => page.getByText(wanted).count()).toBeGreaterThan(0);
    await tabTo(wanted);
    // Where the focus is can be seen.
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement ?? document.body);
      return `${style.outlineStyle} ${style.outlineWidth}`;
    });
    expect(outline).not.toMatch(/^none|\b0px$/);
  });

  test('moves through the models and what they start from by arrow keys', async () => {
    await openTrainWithWeights();
    const choices = startFrom().getByRole('radio');
    const last = (await choices.count()) - 1;
    await choices.first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await choices.nth(1).isChecked()).toBe(true);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await choices.nth(last).isChecked()).toBe(true);
    await choices.first().check();
    await page.getByRole('searchbox', { name: 'Search models' }).fill('mobilenetv1');
    const models = page.getByRole('group', { name: 'Model', exact: true }).getByRole('radio');
    await expect.poll(() => models.count()).toBe(4);
    await models.first().focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => models.nth(1).isChecked()).toBe(true);
    await page.getByRole('button', { name: /^Train mobilenetv1_050 for/ }).waitFor();
  });

  test('goes from screen to screen and looks through the images', async () => {
    await go('#/');
    await go(project);
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    const gallery = page.getByRole('listbox', { name: 'Images' });
    await gallery.waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await expect.poll(() => gallery.getByRole('option').nth(1).getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('Space');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});
