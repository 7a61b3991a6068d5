// A run's checkpoint as a model that can be evaluated, asked and exported: the graph is built anew from the job or read from the
// run's record, the weights are put beside it.

import type { TrainedModel } from '$lib/interchange/contract';
import { getCheckpoint } from '$lib/storage/checkpoints';
import type { Database } from '$lib/storage/database';
import { getDataset, getVersion } from '$lib/storage/datasets';
import { listEvaluations } from '$lib/storage/evaluations';
import type { CheckpointRecord, DatasetVersionRecord, RunRecord } from '$lib/storage/records';
import { getRun } from '$lib/storage/runs';
import { weightsFiles } from '$lib/storage/weights';
import { getTask } from '$lib/tasks/registry';
import { versionFor } from '$lib/training/folds';
import { networkOf } from '$lib/training/network';
import { weightsOf } from '$lib/training/weights-of';

/** A model of a run, with the data that it came from. */
export interface RunModel {
  model: TrainedModel;
  run: RunRecord;
  /** With the run's own splits. */
  version: DatasetVersionRecord;
  checkpoint: CheckpointRecord;
}

/** Throws 'run-missing', 'checkpoint-missing' and what building throws. */
export async function loadRunModel(
  database: Database,
  runId: string,
  slot: CheckpointRecord['slot'],
): Promise<RunModel> {
  const run = await getRun(database, runId);
  const checkpoint = await getCheckpoint(database, runId, slot);
  const version = versionFor(await getVersion(database, run.versionId), run.job);
  const dataset = await getDataset(database, version.datasetId);
  // The newest one of these very weights.
  const judged = (await listEvaluations(database, runId)).find(
    (candidate) => candidate.checkpoint === slot && candidate.createdAt >= checkpoint.createdAt,
  );
  const { split, epoch, result } = judged ?? {};
  const evaluation = split && epoch && result ? { split, checkpoint: slot, epoch, result } : null;
  const model = {
    ...(await modelOf(run, checkpoint)),
    ...(run.extractor === undefined ? {} : { extractor: await withFile(database, run.extractor) }),
    evaluation,
    data: { name: dataset.name, images: counts(version) },
  };
  return { model, run, version, checkpoint };
}

/** The ONNX file that makes a run's features. */
async function withFile(
  database: Database,
  extractor: NonNullable<RunRecord['extractor']>,
): Promise<NonNullable<TrainedModel['extractor']>> {
  const [source] = await weightsFiles(database, extractor.weightsId);
  return { ...extractor, file: source.blob };
}

/** The model alone, without the file of an extractor and what its card tells. */
export async function modelOf(
  run: RunRecord,
  checkpoint: Pick<CheckpointRecord, 'state'>,
): Promise<Omit<TrainedModel, 'evaluation' | 'data'>> {
  const { job, classes, preprocess, name } = run;
  const task = getTask(job.task);
  const graph = await networkOf(run);
  return {
    name,
    graph,
    parameters: weightsOf(checkpoint.state),
    classes,
    preprocess,
    task: { id: task.id, activation: task.exportActivation },
    job,
  };
}

function counts({ items }: DatasetVersionRecord): { train: number; val: number; test: number } {
  const images = { train: 0, val: 0, test: 0 };
  for (const { split } of items) images[split]++;
  return images;
}
