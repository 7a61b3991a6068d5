// `trainyard` from the outside: what it prints, what it leaves in --out, and that its files work in other programs.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { unzipSync } from 'fflate';
import * as ort from 'onnxruntime-node';
import Papa from 'papaparse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MODELS } from '$lib/models/registry';
import { ensureBuild } from '../../scripts/lib/build.mjs';
import { complaints, startTrainyard, trainyard, type CommandResult } from './support/command';
import { CLASSES, idxPair, picture, pictures, pixels, writeFolder, writeInto } from './support/pictures';
import { zipOf } from './support/zips';

/** The pictures' own size: then nothing is resized, and other programs can be given the very same numbers. */
const SIZE = 16;

/** Small enough for seconds on one core, long enough for the colours to be learnt (all right after 4 epochs). */
const QUICK = {
  version: 1,
  model: { name: 'tiny-cnn' },
  training: { epochs: 8, batch_size: 8 },
  preprocess: { image_size: SIZE },
  seed: 7,
};
const COMMANDS =
  'train sweep resume extend evaluate predict export weights cache models doctor parity bench demo'.split(' ');
const BEYOND = ['epoch', 'step', 'learning_rate', 'seconds', 'best'];

let work: string;
let data: string;
let out: string;
let trained: CommandResult;

const at = (...parts: string[]) => join(work, ...parts);
const json = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

async function writeJob(name: string, job: unknown): Promise<string> {
  await writeFile(at(name), JSON.stringify(job));
  return at(name);
}

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  work = await mkdtemp(join(tmpdir(), 'trainyard-cli-'));
  data = await writeFolder([
    ...pictures(30, { above: 'train', size: SIZE }),
    ...pictures(6, { above: 'val', first: 100, size: SIZE }),
    ...pictures(8, { above: 'test', first: 200, size: SIZE }),
  ]);
  out = at('out');
  trained = await trainyard(['train', await writeJob('job.json', QUICK), `data=${data}`, '--out', out]);
}, 180_000);

afterAll(async () => {
  await Promise.all([work, data].map((folder) => rm(folder, { recursive: true, force: true })));
});

describe('train', () => {
  test('ends with 0, prints the evaluation on stdout and its progress on stderr', () => {
    expect(trained).toMatchObject({ status: 0 });
    const printed = JSON.parse(trained.stdout) as { metrics: { accuracy: number } };
    // Three flat colours: a net that reads the wrong labels, or none, stays at a third.
    expect(printed.metrics.accuracy).toBeGreaterThan(0.9);
    expect(trained.stderr).toContain('132 images in 3 classes');
    expect(trained.stderr).toMatch(/epoch 8: .*val_accuracy/);
  });

  test('writes evaluation.json as promised', async () => {
    const evaluation = await json(join(out, 'evaluation.json'));
    expect(evaluation).toMatchObject({ split: 'test', checkpoint: 'best', classes: CLASSES });
    expect(evaluation).toEqual(JSON.parse(trained.stdout));
    const { metrics, per_class, confusion_matrix } = evaluation as {
      metrics: Record<string, number>;
      per_class: { class: string; precision: number; recall: number; f1: number; support: number }[];
      confusion_matrix: number[][];
    };
    expect(per_class.map((row) => [row.class, row.support])).toEqual(CLASSES.map((name) => [name, 8]));
    for (const row of per_class)
      expect(Object.keys(row).sort()).toEqual(['class', 'f1', 'precision', 'recall', 'support']);
    // Rows are the truth: eight test images each.
    expect(confusion_matrix.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual([8, 8, 8]);
    const right = confusion_matrix.reduce((sum, row, i) => sum + row[i], 0);
    expect(metrics.accuracy).toBeCloseTo(right / 24, 12);
    expect(metrics.loss).toBeGreaterThan(0);
  });

  test('writes predictions.csv with a row for each held-out image, and its rows agree with the accuracy', async () => {
    const { data: rows, meta } = Papa.parse<Record<string, string>>(
      await readFile(join(out, 'predictions.csv'), 'utf8'),
      {
        header: true,
        skipEmptyLines: true,
      },
    );
    expect(meta.fields).toEqual([
      'image',
      'true_class',
      'predicted_class',
      'confidence',
      'loss',
      ...CLASSES.map((name) => `p:${name}`),
    ]);
    expect(rows.map(({ image }) => image).sort()).toEqual(
      pictures(8, { above: 'test', first: 200 })
        .map(({ path }) => path)
        .sort(),
    );
    for (const row of rows) {
      const probabilities = CLASSES.map((name) => Number(row[`p:${name}`]));
      // Written with six digits.
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
      expect(Number(row.confidence)).toBeCloseTo(Math.max(...probabilities), 4);
      expect(Number(row.loss)).toBeCloseTo(-Math.log(Number(row[`p:${row.true_class}`])), 2);
    }
    const right = rows.filter((row) => row.true_class === row.predicted_class).length;
    expect(right / rows.length).toBeCloseTo(
      (JSON.parse(trained.stdout) as { metrics: { accuracy: number } }).metrics.accuracy,
      12,
    );
  });

  test('writes history.csv with a row for each epoch, log.jsonl with the events and the complete job.json', async () => {
    const history = Papa.parse<Record<string, string>>(await readFile(join(out, 'history.csv'), 'utf8'), {
      header: true,
      skipEmptyLines: true,
    });
    expect(history.meta.fields).toEqual(expect.arrayContaining([...BEYOND, 'train_loss', 'val_loss', 'val_accuracy']));
    expect(history.data).toHaveLength(8);
    const losses = history.data.map((row) => Number(row.train_loss));
    expect(losses[7]).toBeLessThan(losses[0]);
    expect(history.data.some((row) => row.best === '1')).toBe(true);

    const events = (await readFile(join(out, 'log.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; time: number });
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('started');
    expect(types).toEqual(expect.arrayContaining(['epoch', 'checkpoint', 'evaluated', 'finished']));
    expect(events.every(({ time }, i) => i === 0 || time >= events[i - 1].time)).toBe(true);

    const job = await json(join(out, 'job.json'));
    expect(job).toMatchObject({
      version: 2,
      seed: 7,
      training: { epochs: 8, batch_size: 8 },
      model: { name: 'tiny-cnn' },
    });
    // Resolved: what was left out is there.
    expect(job).toMatchObject({ optimizer: { name: 'adamw' }, scheduler: { name: 'one_cycle' }, data: { path: data } });
  });

  test('writes model.onnx that onnxruntime runs to the probabilities of predictions.csv', async () => {
    const session = await ort.InferenceSession.create(join(out, 'model.onnx'));
    expect(session.inputNames).toEqual(['image']);
    expect([...session.outputNames].sort()).toEqual(['logits', 'probabilities']);
    const { data: rows } = Papa.parse<Record<string, string>>(await readFile(join(out, 'predictions.csv'), 'utf8'), {
      header: true,
      skipEmptyLines: true,
    });
    for (const { image, ...row } of rows) {
      const [, color, index] = /test\/\w+\/(\w+)-(\d+)\.png/.exec(image) ?? [];
      const bytes = pixels(color, Number(index), SIZE);
      // What the documentation promises: float32 [batch, 3, height, width], RGB in 0..1.
      const input = Float32Array.from({ length: bytes.length }, (_, i) => {
        const [channel, place] = [Math.floor(i / (SIZE * SIZE)), i % (SIZE * SIZE)];
        return bytes[place * 3 + channel] / 255;
      });
      const answer = await session.run({ image: new ort.Tensor('float32', input, [1, 3, SIZE, SIZE]) });
      expect(answer.logits.dims).toEqual([1, CLASSES.length]);
      const found = Array.from(answer.probabilities.data as Float32Array);
      // The table has six digits; the two programs agree to about 1e-6.
      found.forEach((value, i) => expect(value).toBeCloseTo(Number(row[`p:${CLASSES[i]}`]), 4));
    }
    expect(rows.length).toBe(24);
  });

  test('writes tfjs/model.json, model.safetensors, both checkpoints, and a bundle with all of them', async () => {
    const graph = await json(join(out, 'tfjs', 'model.json'));
    expect(graph).toMatchObject({ format: 'graph-model' });
    const weights = await readFile(join(out, 'model.safetensors'));
    const headerBytes = Number(weights.readBigUInt64LE(0));
    const header = JSON.parse(weights.subarray(8, 8 + headerBytes).toString('utf8')) as Record<
      string,
      { dtype: string }
    >;
    const tensors = Object.keys(header).filter((name) => name !== '__metadata__');
    expect(tensors.length).toBeGreaterThan(10);
    for (const kind of ['best', 'last']) expect(existsSync(join(out, 'checkpoints', `${kind}.safetensors`))).toBe(true);

    const bundle = unzipSync(await readFile(join(out, 'bundle.zip')));
    expect(Object.keys(bundle)).toEqual(
      expect.arrayContaining([
        'model.onnx',
        'model.safetensors',
        'tfjs/model.json',
        'model.json',
        'job.json',
        'labels.txt',
        'MODEL_CARD.md',
        'examples/predict_onnx.py',
      ]),
    );
    // Not toEqual: it takes seconds for half a million bytes.
    expect((await readFile(join(out, 'model.onnx'))).equals(bundle['model.onnx'])).toBe(true);
    const description = JSON.parse(Buffer.from(bundle['model.json']).toString('utf8')) as Record<string, unknown>;
    expect(JSON.stringify(description)).toContain(CLASSES[0]);
  });
});

describe.concurrent('with a trained folder', () => {
  test('evaluate finds the test images again and agrees with the run', async () => {
    const result = await trainyard(['evaluate', out, '--data', data]);
    expect(result).toMatchObject({ status: 0 });
    const again = JSON.parse(result.stdout) as {
      split: string;
      metrics: Record<string, number>;
      confusion_matrix: unknown;
    };
    const before = JSON.parse(trained.stdout) as typeof again;
    expect(again.split).toBe('test');
    expect(again.confusion_matrix).toEqual(before.confusion_matrix);
    // The same weights on the same device; the tolerance leaves room for another order of summation.
    expect(again.metrics.loss).toBeCloseTo(before.metrics.loss, 5);
  });

  test('evaluate takes another split and checkpoint', async () => {
    const result = await trainyard(['evaluate', out, '--data', data, '--split', 'val', '--checkpoint', 'last']);
    expect(result).toMatchObject({ status: 0 });
    expect(JSON.parse(result.stdout)).toMatchObject({ split: 'val', checkpoint: 'last', count: 18 });
  });

  test('predict prints one JSON object for each image, in order, with exactly the promised fields', async () => {
    const images = await writeFolder([
      { path: 'new/bläu.png', bytes: picture('blue', 900) },
      { path: 'amber.png', bytes: picture('amber', 901) },
    ]);
    const paths = [join(images, 'new', 'bläu.png'), join(images, 'amber.png')];
    const result = await trainyard(['predict', out, ...paths]);
    await rm(images, { recursive: true });
    expect(result).toMatchObject({ status: 0 });
    const lines = result.stdout.trimEnd().split('\n');
    const predictions = lines.map(
      (line) => JSON.parse(line) as { image: string; confidence: number; all_predictions: Record<string, number> },
    );
    expect(predictions).toMatchObject([
      { image: paths[0], predicted_class: 'blue' },
      { image: paths[1], predicted_class: 'amber' },
    ]);
    for (const prediction of predictions) {
      expect(Object.keys(prediction)).toEqual(['image', 'predicted_class', 'confidence', 'all_predictions']);
      const shares = Object.values(prediction.all_predictions);
      expect(Object.keys(prediction.all_predictions).sort()).toEqual(CLASSES);
      expect(prediction.confidence).toBe(Math.max(...shares));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
      // Most likely first, as in the documentation.
      expect(shares).toEqual([...shares].sort((a, b) => b - a));
    }
  });

  test('predict answers what it can, names the file it cannot read and ends with 2', async () => {
    const images = await writeFolder([
      { path: 'list.jpg', bytes: Buffer.from('milk, eggs') },
      { path: 'green.png', bytes: picture('green', 902) },
    ]);
    const result = await trainyard(['predict', out, join(images, 'list.jpg'), join(images, 'green.png')]);
    await rm(images, { recursive: true });
    expect(result).toMatchObject({ status: 2 });
    expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(result.stdout)).toMatchObject({ predicted_class: 'green' });
    expect(complaints(result)).toHaveLength(1);
    expect(complaints(result)[0]).toMatch(/list\.jpg": .*it is a text file.* Replace the file or leave it out\.$/);
  });

  test('evaluate names classes that the model does not know', async () => {
    const other = await writeFolder([
      ...pictures(4, { classes: ['blue'] }),
      ...pictures(4, { classes: ['green'] }).map(({ bytes }, i) => ({ path: `lawn/${i}.png`, bytes })),
    ]);
    const result = await trainyard(['evaluate', out, '--data', other, '--split', 'all']);
    await rm(other, { recursive: true });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(complaints(result)[0]).toMatch(/does not know: "lawn".*"amber", "blue"/);
  });

  test('export writes only the formats that were asked for, and reports the check', async () => {
    const target = at('again');
    const result = await trainyard(['export', out, '--format', 'onnx,safetensors', '--out', target]);
    expect(result).toMatchObject({ status: 0 });
    const { formats } = JSON.parse(result.stdout) as {
      formats: { format: string; status: string; relativeDifference: number }[];
    };
    expect(formats.map(({ format, status }) => [format, status])).toEqual([
      ['onnx', 'verified'],
      ['safetensors', 'verified'],
    ]);
    for (const { relativeDifference } of formats) expect(relativeDifference).toBeLessThan(1e-4);
    expect(existsSync(join(target, 'model.onnx'))).toBe(true);
    expect(existsSync(join(target, 'tfjs'))).toBe(false);
    const again = await readFile(join(target, 'model.safetensors'));
    expect(again.equals(await readFile(join(out, 'model.safetensors')))).toBe(true);
  });
});

describe('Ctrl-C', () => {
  test('stops at the next step, and the best weights are evaluated and exported', async () => {
    const target = at('stopped');
    const job = await writeJob('long.json', { ...QUICK, training: { epochs: 2000, batch_size: 8 } });
    const running = startTrainyard(['train', job, `data=${data}`, '--out', target]);
    await expect.poll(() => running.stderr()).toContain('epoch 2:');
    running.interrupt();
    const result = await running.ended;
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr).toContain('Press Ctrl-C again');
    expect(result.stderr).toMatch(/stopped after \d+ epochs/);
    expect(JSON.parse(result.stdout)).toMatchObject({ split: 'test', count: 24 });
    for (const file of ['bundle.zip', 'history.csv', 'checkpoints/last.safetensors']) {
      expect(existsSync(join(target, file)), file).toBe(true);
    }
  });
});

describe.concurrent('without data', () => {
  test('models lists what is registered', async () => {
    const { status, stdout } = await trainyard(['models']);
    expect(status).toBe(0);
    const models = JSON.parse(stdout) as { id: string; title: string }[];
    expect(models.map(({ id, title }) => [id, title])).toEqual(MODELS.map(({ meta }) => [meta.id, meta.title]));
    expect(models.length).toBeGreaterThan(20);
  });

  test('doctor says which device, which versions, how much storage', async () => {
    const { status, stdout } = await trainyard(['doctor']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      device: {
        backend: expect.stringMatching(/^(webgpu|wasm|cpu)$/) as string,
        adapter: expect.any(String) as string,
      },
      crossOriginIsolated: true,
      storage: { grantedBytes: expect.any(Number) as number },
      versions: expect.any(Object) as object,
    });
  });

  test('--help names every command, --version the version', async () => {
    const help = await trainyard(['--help']);
    expect(help.status).toBe(0);
    for (const command of COMMANDS) {
      expect(help.stdout).toContain(`trainyard ${command}`);
    }
    expect((await trainyard(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe.concurrent('other ways to give a job and its data', () => {
  const short = ['training.epochs=1', 'preprocess.image_size=16', 'training.batch_size=16'];

  test('a job of the older format works as it is, with its folders and its own words on the command line', async () => {
    // Relative paths of a job file count from the file's folder too.
    await writeInto(work, [...pictures(12, { above: 'old/train' }), ...pictures(4, { above: 'old/val', first: 50 })]);
    const job = await writeJob('old-job.json', {
      model_type: 'tensorflow',
      model_name: 'tiny-cnn',
      parameters: { num_classes: 3, batch_size: 32, learning_rate: 0.001, epochs: 30 },
      data: { train_dir: 'old/train', val_dir: 'old/val' },
      optimization: { mixed_precision: true, xla: true },
    });
    const target = at('old-out');
    const result = await trainyard(['train', job, 'parameters.epochs=1', 'preprocess.image_size=16', '--out', target], {
      cwd: tmpdir(),
    });
    expect(result).toMatchObject({ status: 0 });
    expect(await json(join(target, 'job.json'))).toMatchObject({
      version: 2,
      training: { epochs: 1, batch_size: 32 },
      optimizer: { learning_rate: 0.001 },
      data: { train_dir: 'old/train', val_dir: 'old/val' },
    });
    // What the older format asked for and is not done here is said.
    expect(result.stderr).toMatch(/note: .*(xla|compiled)/i);
  });

  test('a zip, with overrides and a non-ASCII name', async () => {
    const zip = at('blümen 花.zip');
    await writeFile(zip, await zipOf(pictures(12)));
    const target = at('zip-out');
    const result = await trainyard([
      'train',
      await writeJob('zip-job.json', QUICK),
      ...short,
      '--data',
      zip,
      '--out',
      target,
    ]);
    expect(result).toMatchObject({ status: 0 });
    expect(await json(join(target, 'job.json'))).toMatchObject({ training: { epochs: 1 }, data: { path: zip } });
    // No folder says a split, so the fractions do: some of 36 are held out.
    expect(await json(join(target, 'evaluation.json'))).toMatchObject({ split: 'test', count: 5 });
  });

  test('an IDX pair, of which one file is named', async () => {
    const folder = await writeFolder(idxPair(60));
    const target = at('idx-out');
    const result = await trainyard([
      'train',
      await writeJob('idx-job.json', { ...QUICK, preprocess: undefined }),
      'training.epochs=1',
      '--data',
      join(folder, basename('train-images-idx3-ubyte.gz')),
      '--out',
      target,
    ]);
    await rm(folder, { recursive: true });
    expect(result).toMatchObject({ status: 0 });
    // Digits are not mirrored unless that is asked for, and 28 pixels are padded up to the smallest input.
    expect(await json(join(target, 'job.json'))).toMatchObject({
      augment: { horizontal_flip: 0 },
      preprocess: { image_size: 32 },
    });
    expect(await json(join(target, 'evaluation.json'))).toMatchObject({
      classes: expect.arrayContaining(['0', '1']) as string[],
    });
  });
});
