// Weights on the command line: from files, from a hub that is a server of this test, offline afterwards; and what the cache keeps.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuild } from '../../scripts/lib/build.mjs';
import { listingOf, sha256, startHub, type HubServer } from '../support/hub-server';
import { complaints, startTrainyard, trainyard, type CommandResult } from './support/command';
import { pictures, writeFolder } from './support/pictures';

const NAME = 'tests/tiny-cnn.three_colours';
const SIZE = 16;
const QUICK = {
  version: 1,
  model: { name: 'tiny-cnn' },
  training: { epochs: 1, batch_size: 8 },
  preprocess: { image_size: SIZE },
  seed: 7,
};

let hub: HubServer;
let work: string;
let data: string;
let weights: Uint8Array;
/** Accuracy of the run that gave them. */
let learnt: number;

const at = (...parts: string[]) => join(work, ...parts);

interface Described {
  sha256: string;
  format: string;
  tensors: { name: string; shape: number[]; dtype: string }[];
  report: { loaded: string[]; missing: string[]; backbone: { loaded: number; total: number } };
}

function accuracyOf({ stdout }: CommandResult): number {
  return (JSON.parse(stdout) as { metrics: { accuracy: number } }).metrics.accuracy;
}

function describedBy(result: CommandResult): Described {
  expect(result.stderr + String(result.status)).toMatch(/0$/);
  return JSON.parse(result.stdout) as Described;
}

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  hub = await startHub();
  work = await mkdtemp(join(tmpdir(), 'trainyard-weights-'));
  data = await writeFolder([
    ...pictures(20, { above: 'train', size: SIZE }),
    ...pictures(6, { above: 'val', first: 100, size: SIZE }),
    ...pictures(6, { above: 'test', first: 200, size: SIZE }),
  ]);
  // Real weights: those that a long enough run gives.
  await writeFile(at('long.json'), JSON.stringify({ ...QUICK, training: { epochs: 10, batch_size: 8 } }));
  const trained = await trainyard(['train', at('long.json'), '--data', data, '--out', at('long')]);
  expect(trained).toMatchObject({ status: 0 });
  learnt = accuracyOf(trained);
  weights = new Uint8Array(await readFile(at('long/model.safetensors')));
  hub.files.set(`${NAME}/model.safetensors`, { bytes: weights });
  hub.models.set(NAME, listingOf({ 'model.safetensors': weights }, { cardData: { license: 'mit' } }));
  await writeFile(at('job.json'), JSON.stringify(QUICK));
}, 180_000);

afterAll(async () => {
  await hub.close();
  await Promise.all([work, data].map((folder) => rm(folder, { recursive: true, force: true })));
});

test('weights of the hub are downloaded once, and read without it afterwards', async () => {
  const cache = at('cache-hub');
  const online = await trainyard([
    'weights',
    NAME,
    '--model',
    'tiny-cnn',
    '--classes',
    '3',
    '--hub',
    hub.hub,
    '--cache',
    cache,
  ]);
  const described = describedBy(online);
  expect(described).toMatchObject({ format: 'safetensors', sha256: sha256(weights), licence: 'mit' });
  expect(described.report.missing).toEqual([]);
  expect(described.report.backbone.loaded).toBe(described.report.backbone.total);
  expect(described.tensors.map(({ name }) => name)).toEqual(expect.arrayContaining(described.report.loaded));
  expect(hub.log).toContain(`GET /${NAME}/model.safetensors bytes=0-`);
  // No header that browsers would have to ask permission for.
  expect(hub.log.filter((line) => line.startsWith('OPTIONS'))).toEqual([]);

  const before = hub.log.length;
  // Nobody answers at this address: what is here is used without asking.
  const offline = await trainyard(['weights', NAME, '--hub', 'http://127.0.0.1:9', '--cache', cache]);
  expect(describedBy(offline).sha256).toBe(sha256(weights));
  expect(offline.stderr).toContain('kept from before');
  expect(hub.log).toHaveLength(before);

  const listed = await trainyard(['cache', '--cache', cache]);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    folder: cache,
    weights: [{ name: NAME, bytes: weights.length }],
    downloads: [],
  });
  expect(await trainyard(['cache', 'clear', '--cache', cache])).toMatchObject({ status: 0 });
  expect(existsSync(join(cache, 'profile'))).toBe(false);
  const gone = await trainyard(['weights', NAME, '--hub', 'http://127.0.0.1:9', '--cache', cache]);
  expect(gone.status).toBe(2);
  expect(complaints(gone).join()).toContain('127.0.0.1:9 cannot be reached');
});

test('a run starts from weights of the hub, and leaves them and its features in the cache', async () => {
  const cache = at('cache-train');
  const out = at('from-hub');
  // Too slow to learn anything: what the run knows, it knows from the weights.
  const settings = [`model.weights=${NAME}`, 'optimizer.learning_rate=1e-8'];
  const args = ['train', at('job.json'), ...settings, '--data', data, '--out', out];
  const trained = await trainyard([...args, '--hub', hub.hub, '--cache', cache]);
  expect(trained).toMatchObject({ status: 0 });
  // Random weights are at chance, a third.
  expect(accuracyOf(trained)).toBe(learnt);
  expect(learnt).toBeGreaterThan(0.6);
  const job = JSON.parse(await readFile(join(out, 'job.json'), 'utf8')) as { model: { weights: string } };
  expect(job.model.weights).toBe(NAME);
  const listed = await trainyard(['cache', '--cache', cache]);
  const { weights: kept, features } = JSON.parse(listed.stdout) as { weights: { name: string }[]; features: unknown[] };
  expect(kept.map(({ name }) => name)).toEqual([NAME]);
  expect(features).toHaveLength(1);
});

test('a download that is cut off by Ctrl-C goes on where it was', async () => {
  const cache = at('cache-resume');
  const bytes = new Uint8Array(3_000_000 + weights.length);
  bytes.set(weights);
  const name = 'tests/slow.one';
  const path = `${name}/pytorch_model.bin`;
  hub.files.set(path, { bytes, slow: { pieceBytes: 60_000, milliseconds: 50 } });
  const running = startTrainyard(['weights', name, '--hub', hub.hub, '--cache', cache]);
  await expect.poll(() => hub.log.some((line) => line.startsWith(`GET /${path}`)), { timeout: 60_000 }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  running.interrupt();
  const ended = await running.ended;
  expect(ended.status).not.toBe(0);
  expect(complaints(ended).join()).toMatch(/cancelled; .* of 3\.\d MB are kept/);

  hub.files.set(path, { bytes });
  // What comes is no weights file; that it is read at all shows that it came whole.
  const again = await trainyard(['weights', name, '--hub', hub.hub, '--cache', cache]);
  expect(again.status).toBe(2);
  const ranges = hub.log.filter((line) => line.startsWith(`GET /${path}`)).map((line) => line.split('=')[1]);
  expect(ranges).toHaveLength(2);
  expect(parseInt(ranges[1])).toBeGreaterThan(300_000);
});

test('a path counts from the job file when the job names it, from here when a setting does; files are not kept', async () => {
  const cache = at('cache-files');
  await mkdir(at('jobs/nets'), { recursive: true });
  await mkdir(at('here'), { recursive: true });
  await writeFile(at('jobs/nets/mine.safetensors'), weights);
  await writeFile(at('here/other.safetensors'), weights);
  const model = { name: 'tiny-cnn', weights: 'nets/mine.safetensors' };
  await writeFile(at('jobs/job.json'), JSON.stringify({ ...QUICK, model }));
  const common = ['--data', data, '--out', at('from-file'), '--cache', cache];
  const beside = await trainyard(['train', at('jobs/job.json'), ...common], { cwd: at('here') });
  expect(beside).toMatchObject({ status: 0 });
  expect(beside.stderr).toContain('weights: mine.safetensors');
  const setting = ['train', at('jobs/job.json'), 'model.weights=other.safetensors'];
  const given = await trainyard([...setting, ...common], { cwd: at('here') });
  expect(given).toMatchObject({ status: 0 });
  expect(given.stderr).toContain('weights: other.safetensors');
  const listed = await trainyard(['cache', '--cache', cache]);
  expect(JSON.parse(listed.stdout)).toMatchObject({ weights: [] });
});

test('what cannot be is said in one line, with what to do', async () => {
  const cases: [string[], RegExp][] = [
    [['weights', 'no/such.file.pth'], /"no\/such\.file\.pth" do not exist/],
    [['weights', 'resnet18'], /or name weights on the hub like/],
    [
      ['weights', 'https://elsewhere.example/net.pth', '--hub', hub.hub],
      /may only connect to .*not to elsewhere\.example/,
    ],
    [
      ['weights', 'timm/resnet18', '--hub', hub.hub],
      /has no weights under "timm\/resnet18"\. Did you mean "timm\/resnet18\./,
    ],
    [['weights', NAME, '--hub', 'http://hub.example'], /not an https address/],
  ];
  for (const [args, message] of cases) {
    const result = await trainyard(args);
    expect(result.status, args.join(' ')).toBe(2);
    expect(complaints(result), args.join(' ')).toHaveLength(1);
    expect(complaints(result)[0]).toMatch(message);
  }
});

test('a second command does not wait for the cache, and one that was ended by force leaves it usable', async () => {
  const cache = at('cache-lock');
  await mkdir(cache);
  await writeFile(join(cache, 'lock'), String(process.pid));
  const second = await trainyard(['weights', NAME, '--hub', hub.hub, '--cache', cache]);
  expect(second.status).toBe(0);
  expect(second.stderr).toContain('another command is using the cache');
  expect(await readdir(join(cache, 'profile'))).toEqual([]);
  expect((await trainyard(['cache', 'clear', '--cache', cache])).status).toBe(2);

  // No process has this number: it is above the largest that Linux gives.
  await writeFile(join(cache, 'lock'), '99999999');
  const third = await trainyard(['weights', NAME, '--hub', hub.hub, '--cache', cache]);
  expect(third.stderr).not.toContain('another command');
  expect((await readdir(join(cache, 'profile'))).length).toBeGreaterThan(0);
  expect(existsSync(join(cache, 'lock'))).toBe(false);
});

test('a cache that cannot be written or opened costs a notice, not the command', async () => {
  await writeFile(at('a-file'), '');
  const noFolder = await trainyard(['weights', at('long/model.safetensors'), '--cache', at('a-file')]);
  expect(noFolder.status).toBe(0);
  expect(noFolder.stderr).toContain('cannot be used');
});
