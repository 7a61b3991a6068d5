// Weights on the page: from a file, from a hub that is a server of this test, from a Teachable Machine export; what the run makes of
// them, what works without the hub, and what is refused.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listingOf, startHub, type HubServer } from '../support/hub-server';
import { drawWeights, filesOf, saved } from '../unit/interchange/weights/keras-models';
import { openSite, storedRecords, type Site } from './harness';
import { pictures, writeFolder } from './support/pictures';
import { weightsOf } from './support/weights';
import { zipOf } from './support/zips';

const MODEL = 'mobilenetv1_025';
const HUB_NAME = 'tests/small_net.three_colours';
const TEACHABLE = fileURLToPath(
  new URL('../../../shared/data/weights/tfjs_mobilenet_v2_0.35_teachablemachine/', import.meta.url),
);

let hub: HubServer;
let site: Site;
let page: Page;
let problems: string[];
let work: string;
let images: string;
let weights: Uint8Array;
/** '#/project/...', without the screen. */
let project: string;
/** Every address outside of the page's own server that anything asked. */
const elsewhere: string[] = [];

const at = (name: string) => join(work, name);

beforeAll(async () => {
  hub = await startHub();
  work = await mkdtemp(join(tmpdir(), 'trainyard-weights-'));
  images = await writeFolder(pictures(16));
  weights = await weightsOf(MODEL);
  await writeFile(at('colours.safetensors'), weights);
  site = await openSite({ hub: hub.hub });
  site.context.on('request', (request) => {
    if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) elsewhere.push(request.url());
  });
  ({ page, problems } = await site.open());
  page.setDefaultTimeout(30_000);
  await page.locator('input[webkitdirectory]').first().setInputFiles(images);
  await page.waitForURL(/\/data$/);
  project = new URL(page.url()).hash.replace(/\/data.*/, '');
}, 240_000);

afterAll(async () => {
  await site.close();
  await hub.close().catch(() => undefined);
  await Promise.all([work, images].map((folder) => rm(folder, { recursive: true, force: true })));
});

async function go(hash: string): Promise<void> {
  await page.goto(`${site.url}${hash}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

async function openTrain(): Promise<void> {
  await go(`${project}/train`);
  await page.getByRole('searchbox', { name: 'Search models' }).waitFor();
}

async function chooseModel(id: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Search models' }).fill(id);
  const card = page.getByRole('group', { name: 'Model', exact: true }).getByRole('radio');
  await expect.poll(() => card.count()).toBe(1);
  await card.check({ force: true });
}

const startFrom = () => page.getByRole('group', { name: 'Start from' });
/** The row of one of the weights. */
const choice = (name: string) => startFrom().getByRole('listitem').filter({ hasText: name });

/** Drops files on the middle of whatever screen is shown. */
async function drop(...paths: string[]): Promise<void> {
  const devtools = await site.context.newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: 600, y: 300, data });
  }
  await devtools.detach();
}

/** Starts the run that the form says, waits for its end; gives all that its progress said on the way. */
async function train(button: RegExp): Promise<string[]> {
  const start = page.getByRole('button', { name: button });
  await expect.poll(() => start.isEnabled()).toBe(true);
  // What is said for a second is missed by asking now and then.
  await page.evaluate(() => {
    const said = new Set<string>();
    Object.assign(window, { said });
    const listen = () => {
      for (const status of document.querySelectorAll('main [role=status]')) said.add(status.textContent.trim());
    };
    new MutationObserver(listen).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await start.click();
  await page.waitForURL(/\/runs\/[\w-]+/);
  await page.getByText('Done', { exact: true }).waitFor({ timeout: 180_000 });
  await page.getByText('Test accuracy', { exact: true }).waitFor();
  return page.evaluate(() => [...(window as unknown as { said: Set<string> }).said]);
}

async function expectLogged(text: RegExp): Promise<void> {
  await page.locator('summary').filter({ hasText: 'Log' }).click();
  await page.getByRole('region', { name: 'Log' }).getByText(text).waitFor();
}

describe('a file', () => {
  test('is taken by its model, told tensor by tensor, and its head trains on features that are computed once', async () => {
    await page.getByRole('link', { name: 'Train a model' }).click();
    await chooseModel(MODEL);
    await page.locator('input[type=file][aria-label="Weights"]').setInputFiles(at('colours.safetensors'));
    await page.getByText(/^All \d+ tensors of the backbone are there\./).waitFor();
    await page.getByText('classifier of 7 classes', { exact: false }).first().waitFor();
    expect(await choice('colours.safetensors').getByRole('radio').isChecked()).toBe(true);

    await page.getByRole('button', { name: 'Show what is loaded' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('blocks.0.0.conv_dw.weight', { exact: true }).waitFor();
    await dialog.getByRole('tab', { name: /^Other shape/ }).click();
    await dialog.getByText('classifier.weight', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('2');
    const said = await train(/^Train the head of mobilenetv1_025 for 2 epochs/);
    expect(said.filter((text) => text.startsWith('Computing the features of the images'))).not.toEqual([]);
    await page.getByRole('button', { name: 'from colours.safetensors' }).waitFor();
    await page.getByText(/^\d+ nearest neighbours on the features: \d+\.\d %$/).waitFor();
    await expectLogged(/^Features of 48 images are ready\.\s*$/);
  });

  test('is used again without computing any feature, whatever the head is', async () => {
    await openTrain();
    await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('3');
    await train(/^Train the head of mobilenetv1_025 for 3 epochs/);
    await expectLogged(/^Features of 48 images are ready\. All of them were stored by an earlier run\.\s*$/);
  });
});

describe('the hub', () => {
  const answer = (slow?: { pieceBytes: number; milliseconds: number }) =>
    hub.files.set(`${HUB_NAME}/model.safetensors`, { bytes: weights, slow });

  async function lookUp(): Promise<void> {
    await page.getByRole('textbox', { name: 'Name on the hub or address' }).fill(HUB_NAME);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: `Download ${HUB_NAME}?` }).waitFor();
  }

  test('is asked for nothing before a yes to its host, the size and the licence', async () => {
    // Not the same file again under another name: that would be found to be here already.
    weights = await weightsOf('mobilenetv2_050');
    hub.models.set(HUB_NAME, listingOf({ 'model.safetensors': weights }, { cardData: { license: 'cc-by-4.0' } }));
    answer({ pieceBytes: 100_000, milliseconds: 100 });
    expect(hub.log).toEqual([]);
    await openTrain();
    await chooseModel('mobilenetv2_050');
    await lookUp();
    const dialog = page.getByRole('dialog');
    for (const text of [new URL(hub.base).host, /\d\.\d MB/, 'cc-by-4.0', /Nothing of yours is sent/]) {
      await dialog.getByText(text).first().waitFor();
    }
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(hub.log.filter((line) => line.startsWith('GET') && line.includes('bytes='))).toEqual([]);
  });

  test('gives weights with progress; a cancelled download goes on where it was', async () => {
    await lookUp();
    await page.getByRole('dialog').getByRole('button', { name: 'Download', exact: true }).click();
    await expect.poll(() => choice(HUB_NAME).getByRole('progressbar').getAttribute('aria-valuenow')).toMatch(/^[1-9]/);
    await choice(HUB_NAME)
      .getByText(/MB of \d\.\d MB/)
      .waitFor();
    await choice(HUB_NAME).getByRole('button', { name: 'Cancel' }).click();
    await choice(HUB_NAME).waitFor({ state: 'detached' });
    expect((await storedRecords(page)).weights).toBe(1);

    answer();
    await lookUp();
    await page.getByRole('dialog').getByText('Already here').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Go on downloading' }).click();
    await choice(HUB_NAME).getByText('On this device').waitFor();
    await page.getByText(/^All \d+ tensors of the backbone are there\./).waitFor();
    const starts = hub.log.flatMap((line) => /^GET .*safetensors bytes=(\d+)-/.exec(line)?.slice(1).map(Number) ?? []);
    expect(starts.some((start) => start > 0)).toBe(true);
  });

  test('is not needed afterwards, and nobody else was asked for anything', async () => {
    const asked = elsewhere.length;
    expect(asked).toBeGreaterThan(0);
    expect(elsewhere.filter((url) => !url.startsWith(hub.base) && !url.startsWith(hub.downloads))).toEqual([]);
    await hub.close();
    await page.reload();
    await page.getByText(/^All \d+ tensors of the backbone are there\./).waitFor();
    await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('1');
    await train(/^Train the head of mobilenetv2_050 for 1 epoch/);
    await page.getByRole('button', { name: `from ${HUB_NAME}` }).waitFor();
    expect(elsewhere).toHaveLength(asked);

    // A hub that is off is said so, in a sentence.
    await openTrain();
    await page.getByRole('textbox', { name: 'Name on the hub or address' }).fill('tests/another.one');
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .getByText(/cannot be reached/)
      .waitFor({ timeout: 60_000 });
  });

  test('gave what the Weights screen lists and removes', async () => {
    await go('#/weights');
    const rows = page.getByRole('row').filter({ hasText: /safetensors/ });
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByRole('button', { name: `Remove ${HUB_NAME}` }).click();
    await page.getByRole('button', { name: 'Remove the weights' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    const { weights: kept, weightsParts, downloads, downloadParts } = await storedRecords(page);
    expect({ kept, weightsParts, downloads, downloadParts }).toEqual({
      kept: 1,
      weightsParts: 1,
      downloads: 0,
      downloadParts: 0,
    });
    await openTrain();
    await page.getByText(`${HUB_NAME} is not on this device yet`, { exact: false }).first().waitFor();
  });
});

describe('a Teachable Machine export', () => {
  /** Drops it on a screen that has nothing to do with weights; it becomes a card that trains. */
  async function becomesModel(path: string, button: RegExp): Promise<void> {
    await go('#/');
    // The screen before has a heading, too; what is dropped on it stays there.
    await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
    await drop(path);
    await page.waitForURL(/#\/weights$/);
    const row = page.getByRole('row').filter({ hasText: basename(path) });
    await row.getByText('a network that trains').waitFor();
    await openTrain();
    await chooseModel(basename(path));
    await page.getByRole('spinbutton', { name: 'Epochs', exact: true }).fill('1');
    await train(button);
    await page.getByRole('button', { name: `from ${basename(path)}` }).waitFor();
  }

  test('dropped anywhere becomes a model that trains', async () => {
    const { layers } = tf;
    const features = tf.sequential({
      layers: [
        layers.conv2d({ filters: 8, kernelSize: 3, strides: 2, inputShape: [32, 32, 3], padding: 'same' }),
        layers.batchNormalization({}),
        layers.reLU({ maxValue: 6 }),
        layers.globalAveragePooling2d({}),
      ],
    });
    const head = tf.sequential({
      layers: [
        layers.dense({ units: 10, activation: 'relu', inputShape: [8] }),
        layers.dense({ units: 2, activation: 'softmax', useBias: false }),
      ],
    });
    const model = tf.sequential({ layers: [features, head] });
    drawWeights(model);
    const files = await Promise.all(
      filesOf(await saved(model)).map(async ({ path, blob }) => {
        return { path, bytes: new Uint8Array(await blob.arrayBuffer()) };
      }),
    );
    const metadata = { tfjsVersion: '1.7.4', tmVersion: '2.4.14', labels: ['warm', 'cold'], imageSize: 32 };
    files.push({ path: 'metadata.json', bytes: Buffer.from(JSON.stringify(metadata)) });
    await writeFile(at('tm-export.zip'), await zipOf(files));
    await becomesModel(at('tm-export.zip'), /^Train the head of tm-export\.zip for 1 epoch/);
  });

  test('of a real user does, too', async ({ skip }) => {
    if (!existsSync(TEACHABLE)) {
      console.warn('Skipped: the real Teachable Machine export is not beside this checkout.');
      skip();
    }
    const names = (await readdir(TEACHABLE)).filter((name) => /\.(json|bin)$/.test(name));
    const files = await Promise.all(
      names.map(async (path) => ({ path, bytes: new Uint8Array(await readFile(join(TEACHABLE, path))) })),
    );
    await writeFile(at('leaves.zip'), await zipOf(files));
    await becomesModel(at('leaves.zip'), /^Train the head of leaves\.zip for 1 epoch/);
  });
});

describe('what is no use', () => {
  test.each<[string, string, () => Promise<Uint8Array>, RegExp]>([
    [
      'a truncated file',
      'cut.safetensors',
      async () => (await readFile(at('colours.safetensors'))).subarray(0, 300_000),
      /cut\.safetensors.*(truncated|cut|ends|bytes)/,
    ],
    [
      'a web page',
      'page.safetensors',
      () => Promise.resolve(Buffer.from('<!doctype html><html><head><title>Sign in</title></head></html>')),
      /page\.safetensors.*(HTML|web page)/i,
    ],
  ])('%s is refused in a sentence and not kept', async (_, name, content, message) => {
    await openTrain();
    const before = await storedRecords(page);
    await writeFile(at(name), await content());
    await page.locator('input[type=file][aria-label="Weights"]').setInputFiles(at(name));
    const alert = page.getByRole('alert').filter({ hasText: 'could not be had' });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(message);
    expect(await alert.innerText()).not.toMatch(/undefined|TypeError|\[object|RangeError/);
    // Once, and nothing is left of it.
    expect(await page.getByRole('alert').count()).toBe(1);
    expect(await choice(name).count()).toBe(0);
    expect(await storedRecords(page)).toEqual(before);
  });

  test('weights of another architecture are named as such, and training cannot begin with them', async () => {
    await openTrain();
    await chooseModel('resnet18');
    await choice('colours.safetensors').getByRole('radio').check();
    const alert = page.getByRole('alert').filter({ hasText: 'does not take these weights' });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/have \d+ of the \d+ tensors.*look like weights of MobileNetV1 0\.25/s);
    expect(await page.getByRole('button', { name: /resnet18 for \d+ epochs?/ }).isDisabled()).toBe(true);
    await choice('Random numbers').getByRole('radio').check();
    await alert.waitFor({ state: 'detached' });
  });
});

test('nothing of all this was an error of the page', () => {
  // What the closed hub was asked is the browser's own line, not the page's.
  expect(problems.filter((text) => !/net::ERR_CONNECTION_REFUSED/.test(text))).toEqual([]);
});
