// `trainyard weights`, `model.weights` of `train` and `trainyard cache` on the page's side.

import type { Clients } from '$lib/rpc/client';
import { getModel } from '$lib/models/registry';
import { openDatabase } from '$lib/storage/database';
import { deleteOrphanBlobs } from '$lib/storage/blobs';
import { deleteProject, listProjects } from '$lib/storage/projects';
import { spaceOfKept } from '$lib/storage/quota';
import type { WeightsRecord } from '$lib/storage/records';
import { findWeights, listWeights, removeWeights } from '$lib/storage/weights';
import { parseJob } from '$lib/job/parse';
import { MODELS } from '$lib/models/registry';
import { TASKS } from '$lib/tasks/catalog';
import type { Inputs } from './inputs';
import { tell } from './output';

/** Most published weights have ImageNet's classes. */
const USUAL_CLASSES = 1000;

export function createWeightsCommands(clients: Clients, inputs: Inputs) {
  /** Ids that files of this computer were given for and that were not here before: they are not kept twice. */
  const given = new Set<string>();
  let task: string | null = null;

  /** One thing at a time, which `cancel` ends. */
  async function during<Value>(work: (taskId: string) => Promise<Value>): Promise<Value> {
    task = crypto.randomUUID();
    try {
      return await work(task);
    } finally {
      task = null;
    }
  }

  /** The files under 'weights', which are then forgotten: they are no images. */
  async function importWeights(request: { name: string; source: string }): Promise<WeightsRecord> {
    const { name, source } = request;
    const files = inputs.under('weights').map(({ path, file }) => ({ path, file }));
    inputs.clear();
    const database = await openDatabase();
    const before = new Set((await listWeights(database)).map(({ id }) => id));
    const record = await during((taskId) =>
      clients.weights.api.importFiles({ taskId, name, source, files }, (event) => tell('weights', event)),
    );
    if (!before.has(record.id)) given.add(record.id);
    tellDone(record, false);
    return record;
  }

  async function downloadWeights({ reference }: { reference: string }): Promise<WeightsRecord> {
    const here = await findWeights(await openDatabase(), reference);
    const record = await during((taskId) =>
      clients.weights.api.download({ taskId, reference }, (event) => tell('weights', event)),
    );
    tellDone(record, here !== null);
    return record;
  }

  /** What is in the weights, and what `model` would take of them. */
  async function describeWeights(request: {
    id: string;
    model: string | null;
    classes: number | null;
  }): Promise<unknown> {
    const { record, tensors } = await clients.weights.api.describe(request.id);
    const { id, name, format, bytes, values, architecture, preprocess, classes, licence } = record;
    const described = { name, sha256: id, format, bytes, values, architecture, preprocess, classes, licence, tensors };
    if (request.model === null) return described;
    const { meta } = getModel(request.model);
    const { job } = parseJob({ version: 1, model: { name: meta.id } }, { models: MODELS, tasks: TASKS });
    const { imageSize } = meta.recommended;
    const report = await clients.weights.api.report({
      weightsId: id,
      model: meta.id,
      config: job.model.config,
      imageSize: [imageSize, imageSize],
      classes: request.classes ?? classes?.length ?? USUAL_CLASSES,
    });
    return { ...described, model: meta.id, report };
  }

  async function listKept(): Promise<unknown> {
    return spaceOfKept(await openDatabase());
  }

  /**
   * Deletes what commands made and no later one could use: projects with their runs except those in `keep`, whose runs are gone on
   * with, and copies of this computer's own files. What was downloaded and computed features stay. Also deletes what a command left
   * that was ended by force.
   */
  async function tidy({ keep }: { keep: readonly string[] }): Promise<void> {
    const database = await openDatabase();
    try {
      for (const { id } of await listProjects(database)) if (!keep.includes(id)) await deleteProject(database, id);
      await deleteOrphanBlobs(database);
      // A run that goes on later may need them.
      if (keep.length > 0) return;
      for (const id of given) await removeWeights(database, id);
      given.clear();
    } finally {
      database.close();
    }
  }

  return {
    commands: { importWeights, downloadWeights, describeWeights, listKept, tidy },
    /** True when there was something to end. */
    cancel(): boolean {
      if (task === null) return false;
      void clients.weights.api.cancel(task);
      return true;
    },
  };
}

function tellDone(record: WeightsRecord, here: boolean): void {
  const { name, format, tensors, bytes } = record;
  tell('weights', { type: 'done', name, format, tensors, bytes, here });
}
