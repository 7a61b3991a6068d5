// What goes wrong on the command line: exit status 2 and one line that names the thing and says what to do.
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuild } from '../../scripts/lib/build.mjs';
import { complaints, trainyard } from './support/command';
import { hugePng, pictures, truncatedJpeg, writeInto, type NamedFile } from './support/pictures';
import { bombEntry, encryptedEntry, outsideEntry, zipOf } from './support/zips';

const JOB = {
  version: 1,
  model: { name: 'tiny-cnn' },
  training: { epochs: 1, batch_size: 16 },
  preprocess: { image_size: 16 },
};
const TEXT = Buffer.from('This is a shopping list: milk, eggs, bread.\n');

let work: string;
let job: string;

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  work = await mkdtemp(join(tmpdir(), 'trainyard-bad-'));
  job = join(work, 'job.json');
  await writeFile(job, JSON.stringify(JOB));
}, 180_000);

afterAll(() => rm(work, { recursive: true, force: true }));

async function withFolder(files: readonly NamedFile[]): Promise<string> {
  const folder = await mkdtemp(join(work, 'images-'));
  await writeInto(folder, files);
  return folder;
}

async function withZip(name: string, ...given: Parameters<typeof zipOf>): Promise<string> {
  const path = join(work, name);
  await writeFile(path, await zipOf(...given));
  return path;
}

async function withJob(name: string, document: unknown): Promise<string> {
  const path = join(work, name);
  await writeFile(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}

/** Runs train and expects one complaint that holds every part, and an output folder that stayed empty. */
async function refused(args: readonly string[], parts: readonly (string | RegExp)[]): Promise<void> {
  const out = await mkdtemp(join(work, 'out-'));
  const result = await trainyard(['train', ...args, '--out', out]);
  const lines = complaints(result);
  expect(lines, result.stderr).toHaveLength(1);
  for (const part of parts) expect(lines[0]).toMatch(part);
  // The last words, and nothing after them.
  expect(result.stderr.trimEnd().endsWith(lines[0])).toBe(true);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(readdirSync(out)).toEqual([]);
}

describe.concurrent('data', () => {
  test.each<[string, () => Promise<string>, (string | RegExp)[]]>([
    [
      'a path that does not exist',
      () => Promise.resolve(join(work, 'nowhere')),
      ['nowhere" does not exist', 'Check the path'],
    ],
    [
      'a folder without images',
      () => withFolder([{ path: 'a/notes.txt', bytes: TEXT }]),
      ['No images', '1 .txt', /Choose a folder or zip/],
    ],
    [
      'a single class',
      () => withFolder(pictures(5, { classes: ['blue'] })),
      ['only one class, "blue" (5 images)', /Add a folder/],
    ],
    [
      'a class with one image',
      () => withFolder([...pictures(8, { classes: ['blue', 'green'] }), ...pictures(1, { classes: ['amber'] })]),
      ['Class "amber" has only one image', /Add images/],
    ],
    [
      'text files that are called .jpg, and nothing else',
      () => withFolder([1, 2].map((n) => ({ path: `class${n}/list.jpg`, bytes: TEXT }))),
      ['class1/list.jpg: it is a text file, not an image', /Choose a folder/],
    ],
    [
      'truncated JPEGs, and nothing else',
      () => withFolder([1, 2].map((n) => ({ path: `class${n}/half.jpg`, bytes: truncatedJpeg() }))),
      [/class1\/half\.jpg: .*(truncated|cut|ends)/, /Choose a folder/],
    ],
    [
      'empty files, and nothing else',
      () => withFolder([1, 2].map((n) => ({ path: `class${n}/none.png`, bytes: Buffer.alloc(0) }))),
      ['class1/none.png: the file is empty (0 bytes)', /Choose a folder/],
    ],
    [
      'headers of 20,000 x 20,000 pixels, and nothing else',
      () => withFolder([1, 2].map((n) => ({ path: `class${n}/huge.png`, bytes: hugePng() }))),
      ['class1/huge.png: 20,000 x 20,000 pixels is over the limit', 'scale it down'],
    ],
    [
      'a zip with ../ names',
      () => withZip('outside.zip', pictures(3), [outsideEntry]),
      ['outside.zip names an entry "../../outside/evil.png"', 'nothing of it was imported', /pack the folder again/],
    ],
    [
      'a zip with a password',
      () => withZip('secret.zip', pictures(3), [encryptedEntry]),
      ['secret.zip is protected by a password', /Unpack it/],
    ],
    [
      'a zip that unpacks to a thousand times its size',
      () => withZip('bomb.zip', pictures(3), [bombEntry]),
      ['bomb.zip was refused', /[0-9,]+ times its packed size/, /unpack it yourself/],
    ],
    [
      'a zip of nothing but zips',
      async () => withZip('nested.zip', [{ path: 'inner.zip', bytes: await zipOf(pictures(3)) }]),
      ['"inner.zip"', 'Unpack'],
    ],
    [
      'a file that is no zip',
      async () => {
        const path = join(work, 'photos.zip');
        await writeFile(path, TEXT);
        return path;
      },
      ['photos.zip cannot be read as a zip archive', /Download or pack it again/],
    ],
  ])('%s', async (_, make, parts) => {
    const data = await make();
    await refused([job, '--data', data], parts);
  });

  test('damaged files beside good ones are listed by name, and the good ones are trained on', async () => {
    const data = await withFolder([
      ...pictures(8),
      { path: 'blue/list.jpg', bytes: TEXT },
      { path: 'green/half.jpg', bytes: truncatedJpeg() },
      { path: 'green/none.png', bytes: Buffer.alloc(0) },
      { path: 'amber/huge.png', bytes: hugePng() },
      { path: 'amber/more.zip', bytes: await zipOf(pictures(1)) },
      // A class and a file that no ASCII can write.
      ...pictures(8, { classes: ['blue'], first: 100 }).map(({ bytes }, i) => ({ path: `青い空/été ${i}.png`, bytes })),
    ]);
    const out = join(work, 'mixed');
    const result = await trainyard(['train', job, '--data', data, '--out', out]);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr).toContain('unreadable: blue/list.jpg: it is a text file, not an image');
    expect(result.stderr).toMatch(/unreadable: green\/half\.jpg: .*(truncated|cut|ends)/);
    expect(result.stderr).toContain('unreadable: green/none.png: the file is empty (0 bytes)');
    expect(result.stderr).toMatch(/unreadable: amber\/huge\.png: 20,000 x 20,000 pixels/);
    expect(result.stderr).toMatch(/skipped: amber\/more\.zip: .*unpack it/);
    const { classes } = JSON.parse(result.stdout) as { classes: string[] };
    expect(classes).toEqual(['amber', 'blue', 'green', '青い空']);
    expect(existsSync(join(out, 'model.onnx'))).toBe(true);
  });
});

describe.concurrent('the job file', () => {
  const WITH_DATA = ['--data', tmpdir()];

  test.each<[string, unknown, string[], (string | RegExp)[]]>([
    ['an unknown field', { ...JOB, epocs: 3 }, [], [/epocs/, /Correct this field/]],
    ['a wrong type', { ...JOB, training: { epochs: 'many' } }, [], ['training.epochs', '"many"']],
    ['an unknown model', { ...JOB, model: { name: 'resnet81' } }, [], ['resnet81', 'resnet18']],
    [
      'a learning rate of -1',
      { ...JOB, optimizer: { learning_rate: -1 } },
      [],
      ['optimizer.learning_rate', 'found -1', 'above 0'],
    ],
    [
      'an unknown field on the command line',
      JOB,
      ['optimizer.learnin_rate=1'],
      ['optimizer.learnin_rate', 'learning_rate'],
    ],
    ['no JSON', '{"version": 1,', [], ['is not valid JSON']],
    ['a list', [1, 2], [], ['is not a JSON object', 'docs/job-file.md']],
  ])('%s', async (name, document, overrides, parts) => {
    const path = await withJob(`${name.replaceAll(/\W/g, '-')}.json`, document);
    await refused([path, ...overrides, ...WITH_DATA], parts);
  });

  test('that does not exist', () =>
    refused([join(work, 'none.json'), ...WITH_DATA], ['none.json" does not exist', 'Check the path']));

  test('whose data does not exist', async () => {
    const path = await withJob('lost.json', { ...JOB, data: { path: 'lost/images' } });
    await refused([path], ['lost/images" does not exist', 'Check the path']);
  });

  test('that names no data', () => refused([job], ['No data was named', '--data PATH']));

  test('with too many classes for its data', async () => {
    const data = await withFolder(pictures(6));
    const path = await withJob('ten.json', { model_name: 'tiny-cnn', parameters: { num_classes: 10, epochs: 1 } });
    await refused([path, '--data', data], ['parameters.num_classes', 'which has 3', 'found 10']);
  });
});

describe.concurrent('other commands', () => {
  test.each<[string, () => string[], (string | RegExp)[]]>([
    ['an unknown command', () => ['fit'], ['There is no command "fit"']],
    ['train without --out', () => ['train', job], ['--out DIR']],
    ['predict with a folder that train did not make', () => ['predict', work, 'x.png'], ['holds no bundle.zip']],
    [
      'evaluate with a folder that does not exist',
      () => ['evaluate', join(work, 'gone'), '--data', work],
      ['gone" does not exist'],
    ],
  ])('%s', async (_, args, parts) => {
    const result = await trainyard(args());
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    for (const part of parts) expect(result.stderr).toMatch(part);
  });
});
