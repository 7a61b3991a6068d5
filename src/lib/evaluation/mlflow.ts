// A run as files of MLflow's file store: a folder `mlruns` that `mlflow ui` opens where it lies. One experiment for each project.

import { fnv1a } from '$lib/core/random';
import type { RunEventRecord, RunRecord } from '$lib/storage/records';
import { scalarsOf, settingsOf } from './scalars';

/** Of mlflow.entities.RunStatus. */
const STATUS = { running: 1, paused: 1, done: 3, stopped: 3, failed: 4, interrupted: 5 } as const;
/** SourceType.LOCAL. */
const LOCAL = 4;
/** MLflow's own limit of a parameter's value. */
const LONGEST_VALUE = 6000;

/** Files by their paths below `mlruns`. Put beside those of other runs of the project, they are runs of one experiment. */
export function mlflowFiles(run: RunRecord, stored: readonly RunEventRecord[]): { path: string; blob: Blob }[] {
  // Ids of experiments are digits, of runs 32 of base 16.
  const experiment = String(fnv1a(run.projectId));
  const id = run.id.replaceAll('-', '');
  const folder = `${experiment}/${id}`;
  const started = run.startedAt ?? run.createdAt;
  const files = new Map<string, string>();
  files.set(
    `${experiment}/meta.yaml`,
    yaml({
      artifact_location: `mlruns/${experiment}`,
      creation_time: run.createdAt,
      experiment_id: experiment,
      last_update_time: run.createdAt,
      lifecycle_stage: 'active',
      name: `Trainyard ${run.projectId.slice(0, 8)}`,
    }),
  );
  files.set(
    `${folder}/meta.yaml`,
    yaml({
      artifact_uri: `mlruns/${folder}/artifacts`,
      end_time: run.endedAt,
      entry_point_name: '',
      experiment_id: experiment,
      lifecycle_stage: 'active',
      run_id: id,
      run_name: run.name,
      run_uuid: id,
      source_name: 'trainyard',
      source_type: LOCAL,
      source_version: '',
      start_time: started,
      status: STATUS[run.status],
      tags: [],
      user_id: '',
    }),
  );
  for (const [path, value] of settingsOf(run.job)) {
    files.set(`${folder}/params/${path}`, String(value).slice(0, LONGEST_VALUE));
  }
  for (const [name, text] of Object.entries(tagsOf(run))) files.set(`${folder}/tags/${name}`, text);
  for (const { name, step, time, value } of scalarsOf(stored)) {
    const path = `${folder}/metrics/${metricName(name)}`;
    files.set(path, `${files.get(path) ?? ''}${time} ${number(value)} ${step}\n`);
  }
  files.set(`${folder}/artifacts/job.json`, `${JSON.stringify(run.job, null, 2)}\n`);
  return [...files].map(([path, text]) => ({ path, blob: new Blob([text]) }));
}

function tagsOf(run: RunRecord): Record<string, string> {
  return {
    'mlflow.runName': run.name,
    'mlflow.source.name': 'trainyard',
    'mlflow.source.type': 'LOCAL',
    'mlflow.user': '',
    'trainyard.status': run.status,
    ...(run.device === null ? {} : { 'trainyard.device': `${run.device.backend} (${run.device.adapter})` }),
    ...(run.groupId === undefined ? {} : { 'trainyard.group': run.groupId }),
  };
}

/** What MLflow allows in a name: letters, digits, '_', '-', '.', ' ', ':' and '/', which makes folders. */
function metricName(name: string): string {
  return name.replaceAll(/[^\w\-. :/]/g, '_');
}

/** As Python's float() reads it. */
function number(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
}

/** Flat. JSON's texts, numbers and lists are YAML's, too; digits in quotes stay text. */
function yaml(values: Readonly<Record<string, string | number | null | readonly unknown[]>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
