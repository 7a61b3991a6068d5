// `trainyard parity` from the outside: agreement, disagreement, and files that it cannot run.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ParityReport } from '$lib/evaluation/parity/report';
import { complaints, trainyard } from './support/command';

const FIXTURE = join(import.meta.dirname, '../fixtures/parity/mobilenetv3_small_100.json');

interface Editable {
  task: string;
  source: string;
  eval: { logits: number[][] };
  train: { first_gradient: Record<string, [number, number, number | null]> };
}

let work: string;

/** A copy of the fixture with something changed. */
async function edited(name: string, change: (fixture: Editable) => void): Promise<string> {
  const fixture = JSON.parse(await readFile(FIXTURE, 'utf8')) as Editable;
  change(fixture);
  const path = join(work, name);
  await writeFile(path, JSON.stringify(fixture));
  return path;
}

const reports = (stdout: string): ParityReport[] =>
  stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as ParityReport); // prettier-ignore

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'trainyard-parity-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

test('agrees with PyTorch on WASM with threads, ends with 0 and says how near', async () => {
  const { status, stdout, stderr } = await trainyard(['parity', FIXTURE, '--device', 'wasm']);
  expect(status, stderr).toBe(0);
  const [report, ...more] = reports(stdout);
  expect(more).toEqual([]);
  expect(report).toMatchObject({ file: FIXTURE, model: 'mobilenetv3_small_100', device: 'wasm', passed: true, failures: [] }); // prettier-ignore
  for (const one of [report.logits, report.logits_large, report.gradient, report.sgd, report.adamw]) {
    expect(one?.error).toBeLessThan(one?.tolerance ?? 0);
  }
  expect(report.gradient?.tensors).toBe(142);
});

test('names what is over tolerance and ends with 1, after the other files were run', async () => {
  const wrong = await edited('wrong.json', (fixture) => {
    fixture.eval.logits[0][3] += 0.01;
    fixture.train.first_gradient['conv_stem.weight'][0] *= 1.01;
  });
  const result = await trainyard(['parity', wrong, FIXTURE, '--device', 'wasm']);
  expect(result.status).toBe(1);
  const [bad, good] = reports(result.stdout);
  expect(good.passed).toBe(true);
  expect(bad.passed).toBe(false);
  expect(bad.failures).toHaveLength(2);
  expect(bad.failures[0]).toMatch(/^logits at 64 x 64: .+ off, 1.0e-4 allowed$/);
  expect(bad.failures[1]).toMatch(/^norm of the gradient of conv_stem.weight: 9.9e-3 off, 1.0e-3 allowed$/);
  expect(complaints(result)).toEqual([expect.stringContaining('1 of 2 files are over tolerance')]);
});

test('refuses files that it cannot run with 2 and one line, before it runs any', async () => {
  const segmentation = await edited('segmentation.json', (fixture) => (fixture.task = 'segmentation'));
  const unknown = await edited('unknown.json', (fixture) => (fixture.source = 'timm 1.0.29 resnet19 {}'));
  const other = join(work, 'other.json');
  await writeFile(other, '{"model_type": "pytorch"}');
  const cases: [string[], RegExp][] = [
    [[FIXTURE, other], /other\.json is not a parity file/],
    [[segmentation], /task "segmentation", which is not there yet/],
    [[unknown], /no model "resnet19".*resnet18/],
    [[join(work, 'absent.json')], /absent\.json" does not exist/],
    [[], /Name at least one parity file/],
  ];
  for (const [files, message] of cases) {
    const result = await trainyard(['parity', ...files]);
    expect(result.status, message.source).toBe(2);
    expect(result.stdout).toBe('');
    expect(complaints(result)).toEqual([expect.stringMatching(message)]);
  }
});
