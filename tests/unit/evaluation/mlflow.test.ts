// The files of MLflow's store: read by their own rules here, and by MLflow where that is installed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { mlflowFiles } from '$lib/evaluation/mlflow';
import { findPython, runPython } from '../interchange/support/python';
import { EXPECTED, eventsToExport, runToExport, STARTED } from './exported-run';

const RUN = '0123456789ab4cde8f0123456789abcd';
let files: Map<string, string>;
let experiment: string;

beforeAll(async () => {
  const written = mlflowFiles(runToExport(), eventsToExport());
  files = new Map(await Promise.all(written.map(async ({ path, blob }) => [path, await blob.text()] as const)));
  experiment = written[0].path.split('/')[0];
});

/** 'key: <JSON>' lines, which are YAML as well. */
function meta(path: string): Record<string, unknown> {
  const lines = (files.get(path) ?? '').trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), JSON.parse(line.slice(line.indexOf(':') + 1)) as unknown]),
  );
}

it('describes the experiment and the run', () => {
  expect(experiment).toMatch(/^\d+$/);
  expect(meta(`${experiment}/meta.yaml`)).toMatchObject({ experiment_id: experiment, lifecycle_stage: 'active' });
  expect(meta(`${experiment}/${RUN}/meta.yaml`)).toMatchObject({
    run_id: RUN,
    run_uuid: RUN,
    experiment_id: experiment,
    run_name: 'tiny-cnn 1: "first"',
    status: 3,
    start_time: STARTED,
    end_time: STARTED + 9000,
  });
});

it('holds each metric as lines of time, value and step', () => {
  for (const [name, points] of EXPECTED) {
    const lines = files.get(`${experiment}/${RUN}/metrics/${name}`)?.trim().split('\n') ?? [];
    const found = lines.map((line) => line.split(' '));
    expect(
      found.map(([, value, step]) => [Number(step), Number(value)]),
      name,
    ).toEqual(points.map((point) => [...point]));
    for (const [time] of found) expect(Number(time)).toBeGreaterThanOrEqual(STARTED);
  }
  expect(files.get(`${experiment}/${RUN}/metrics/train/loss_by_step`)).toContain(' nan 18\n');
});

it('holds each setting and the names that MLflow shows', () => {
  expect(files.get(`${experiment}/${RUN}/params/optimizer.learning_rate`)).toBe('0.004');
  expect(files.get(`${experiment}/${RUN}/params/model.name`)).toBe('tiny-cnn');
  expect(files.get(`${experiment}/${RUN}/tags/mlflow.runName`)).toBe('tiny-cnn 1: "first"');
  expect(files.get(`${experiment}/${RUN}/tags/trainyard.device`)).toBe('wasm (2 threads)');
});

it('gives runs of one project one experiment', () => {
  const of = (projectId: string) => mlflowFiles({ ...runToExport(), projectId }, [])[0].path.split('/')[0];
  expect(of('a-project')).toBe(experiment);
  expect(of('another')).not.toBe(experiment);
});

const READER = `
import json, math, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri='file:' + sys.argv[1])
run = client.get_run(sys.argv[2])
history = {name: [[m.step, None if math.isnan(m.value) else m.value] for m in client.get_metric_history(sys.argv[2], name)] for name in run.data.metrics}
print(json.dumps({'metrics': history, 'params': run.data.params, 'name': run.info.run_name, 'status': run.info.status}))
`;
const python = findPython(['mlflow']);
const folder = mkdtempSync(join(tmpdir(), 'trainyard-mlflow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('MLflow itself reads metrics, settings and names', (context) => {
  context.skip(python === null, 'no Python with mlflow; PYTHON names another one');
  if (python === null) return;
  for (const [path, text] of files) {
    const target = join(folder, 'mlruns', path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  const read = JSON.parse(runPython(python, ['-c', READER, join(folder, 'mlruns'), RUN], folder)) as {
    metrics: Record<string, [number, number | null][]>;
    params: Record<string, string>;
    name: string;
    status: string;
  };
  for (const [name, points] of EXPECTED) {
    expect(read.metrics[name], name).toEqual(points.map(([step, value]) => [step, Number.isNaN(value) ? null : value]));
  }
  expect(read).toMatchObject({ name: 'tiny-cnn 1: "first"', status: 'FINISHED' });
  expect(read.params['optimizer.learning_rate']).toBe('0.004');
});
