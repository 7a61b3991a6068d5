// Many runs of one job by the command line: a table, a folder for each, through a kill; folds; a run that is kept, stopped, extended.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuild } from '../../scripts/lib/build.mjs';
import { complaints, startTrainyard, trainyard, type RunningCommand } from './support/command';
import { picture, pictures, writeFolder } from './support/pictures';

const SIZE = 16;
const JOB = {
  version: 2,
  model: { name: 'tiny-cnn' },
  training: { epochs: 2, batch_size: 8 },
  preprocess: { image_size: SIZE },
  checkpoints: { every_epochs: 1, autosave_seconds: 1 },
  engine: { device: 'wasm' },
  seed: 7,
};

interface Table {
  best: string;
  mean?: number;
  deviation?: number;
  runs: { rank: number; folder: string; values: Record<string, unknown>; val_accuracy: number; epochs: number }[];
}
interface Told {
  from: string;
  type: string;
  fromStep?: number;
}

let work: string;
let data: string;
let job: string;
const at = (...parts: string[]) => join(work, ...parts);

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  work = await mkdtemp(join(tmpdir(), 'trainyard-sweep-'));
  data = await writeFolder([
    ...pictures(20, { above: 'train', size: SIZE }),
    ...pictures(6, { above: 'val', first: 100, size: SIZE }),
    ...pictures(6, { above: 'test', first: 200, size: SIZE }),
  ]);
  job = at('job.json');
  await writeFile(job, JSON.stringify(JOB));
}, 180_000);

afterAll(() => Promise.all([work, data].map((folder) => rm(folder, { recursive: true, force: true }))));

function eventsOf(stderr: string): Told[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as Told);
}

async function told(command: RunningCommand, what: (event: Told) => boolean): Promise<void> {
  let over = false;
  void command.ended.then(() => (over = true));
  while (!eventsOf(command.stderr()).some(what)) {
    if (over) throw new Error(`It ended before:\n${command.stderr().slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const csvRows = async (path: string) => (await readFile(path, 'utf8')).trim().split('\r\n');

test('a sweep that is killed after its first run goes on with the second, and ends as one table', async () => {
  const out = at('grid');
  // 0.00001 learns nothing in two epochs.
  const settings = ['optimizer.learning_rate=0.00001,0.01', 'scheduler.name=constant'];
  const args = ['sweep', job, ...settings, '--data', data, '--out', out, '--tensorboard', '--mlflow'];
  const killed = startTrainyard([...args, '--progress', 'json']);
  await told(killed, ({ from, type }) => from === 'sweep' && type === 'run');
  await killed.killBrowser();
  killed.kill();
  await killed.ended;
  expect(existsSync(join(out, 'sweep.json'))).toBe(false);

  const ended = await trainyard(['resume', out, '--progress', 'json']);
  expect(ended).toMatchObject({ status: 0 });
  expect(eventsOf(ended.stderr).filter(({ from, type }) => from === 'train' && type === 'started')).toHaveLength(1);
  const table = JSON.parse(ended.stdout) as Table;
  expect(JSON.parse(await readFile(join(out, 'sweep.json'), 'utf8'))).toEqual(table);
  const folders = ['01-learning_rate-0.00001', '02-learning_rate-0.01'];
  expect(table.runs.map(({ rank }) => rank)).toEqual([1, 2]);
  expect(table.runs.map(({ folder }) => folder).toSorted()).toEqual(folders);
  expect(table.runs[0].folder).toBe(table.best);
  expect(table.runs[0].val_accuracy).toBeGreaterThanOrEqual(table.runs[1].val_accuracy);
  const [head, ...rows] = await csvRows(join(out, 'sweep.csv'));
  expect(head).toBe('rank,folder,optimizer.learning_rate,val_accuracy,epoch,epochs,status');
  expect(rows).toHaveLength(2);

  for (const folder of folders) {
    for (const file of ['bundle.zip', 'model.onnx', 'evaluation.json', 'checkpoints/epoch-1.safetensors']) {
      expect(existsSync(join(out, folder, file)), `${folder}/${file}`).toBe(true);
    }
  }
  // One folder each, in which the viewers find both runs.
  expect((await readdir(join(out, 'tensorboard'))).toSorted()).toEqual(folders);
  const [experiment] = await readdir(join(out, 'mlruns'));
  expect(await readdir(join(out, 'mlruns', experiment))).toHaveLength(3);
  expect(existsSync(join(out, '.trainyard'))).toBe(false);

  // Any checkpoint that was kept can be used; one that was not is refused with those that were.
  const image = at('blue.png');
  await writeFile(image, picture('blue', 7, SIZE));
  const first = await trainyard(['predict', join(out, folders[1]), image, '--checkpoint', '1', '--device', 'wasm']);
  expect(first).toMatchObject({ status: 0 });
  const none = await trainyard(['predict', join(out, folders[1]), image, '--checkpoint', '9']);
  expect(none.status).toBe(2);
  expect(complaints(none)).toEqual([expect.stringContaining('Kept: best, epoch-1, epoch-2, last.')]);
});

test('folds give a mean and a deviation', async () => {
  const out = at('folds');
  const args = ['sweep', job, 'training.epochs=1', '--folds', '2', '--data', data, '--out', out];
  const ended = await trainyard(args);
  expect(ended).toMatchObject({ status: 0 });
  const { mean, deviation, runs } = JSON.parse(ended.stdout) as Table;
  expect(runs.map(({ values }) => values['validation.fold']).toSorted()).toEqual([0, 1]);
  const values = runs.map(({ val_accuracy }) => val_accuracy);
  expect(mean).toBeCloseTo((values[0] + values[1]) / 2, 12);
  // Of two values the sample deviation is their distance over the root of 2.
  expect(deviation).toBeCloseTo(Math.abs(values[0] - values[1]) / Math.SQRT2, 12);
});

test('successive halving trains the best ones on', async () => {
  const out = at('halving');
  const sweep = at('sweep.json');
  const space = { 'optimizer.learning_rate': { minimum: 0.001, maximum: 0.03, log: true } };
  await writeFile(sweep, JSON.stringify({ method: 'halving', space, trials: 2, minimum: 1, maximum: 2, factor: 2 }));
  const ended = await trainyard(['sweep', job, sweep, '--data', data, '--out', out]);
  expect(ended).toMatchObject({ status: 0 });
  const { runs } = JSON.parse(ended.stdout) as Table;
  expect(runs.map(({ epochs }) => epochs).toSorted()).toEqual([1, 2]);
});

test('a run is stopped by a signal, gone on with, kept, listed and extended, until the cache is cleared', async () => {
  const out = at('kept');
  const cache = ['--cache', at('cache')];
  const args = ['train', job, 'training.epochs=40', '--data', data, '--out', out, '--keep', ...cache];
  const stopped = startTrainyard([...args, '--progress', 'json']);
  await told(stopped, ({ from, type }) => from === 'train' && type === 'epoch');
  stopped.interrupt();
  const first = await stopped.ended;
  expect(first).toMatchObject({ status: 0 });
  expect(first.stderr).toContain(`Go on with it: trainyard resume ${out}`);
  expect(existsSync(join(out, 'model.safetensors'))).toBe(true);
  const done = (await csvRows(join(out, 'history.csv'))).length;
  expect(done).toBeLessThan(40);

  // A run that can be gone on with is not overwritten by mistake, and other commands leave it alone.
  const listed = await trainyard(['cache', ...cache]);
  expect(JSON.parse(listed.stdout)).toMatchObject({ runs: [{ out, state: 'stopped' }] });
  const resumed = await trainyard(['resume', out, '--keep']);
  expect(resumed).toMatchObject({ status: 0 });
  expect(await csvRows(join(out, 'history.csv'))).toHaveLength(1 + 40);
  const extended = await trainyard(['extend', out, '--epochs', '2']);
  expect(extended).toMatchObject({ status: 0 });
  expect(await csvRows(join(out, 'history.csv'))).toHaveLength(1 + 42);

  const cleared = await trainyard(['cache', 'clear', ...cache]);
  expect(cleared.stderr).toContain(`${out}: its done run is gone with it`);
  const late = await trainyard(['extend', out, '--epochs', '2']);
  expect(late.status).toBe(2);
  expect(complaints(late)).toEqual([expect.stringContaining('was not kept')]);
});

test.each<[string, string[], string]>([
  ['nothing that varies', [], 'Say what varies, in one way'],
  ['two ways at once', ['seed=1,2', '--folds', '3'], 'Say what varies, in one way'],
  ['a number of folds that is none', ['--folds', 'many'], '--folds is "many"'],
  ['a field that there is not', ['optimizer.rate=1,2'], 'optimizer.rate'],
  ['a value that a job cannot have', ['training.epochs=1,-1'], 'The run "epochs -1" cannot be'],
])('a sweep with %s ends with 2 and one line', async (_, settings, message) => {
  const ended = await trainyard(['sweep', job, ...settings, '--data', data, '--out', at('wrong')]);
  expect(ended.status).toBe(2);
  expect(complaints(ended)).toEqual([expect.stringContaining(message)]);
  expect(existsSync(at('wrong', '.trainyard'))).toBe(false);
});
