// From a reference on the wire to a model in memory, with the data that belongs to it where there are any.

import { loadRunModel } from '$lib/evaluation/trained-model';
import { readBundle } from '$lib/interchange/bundle/read';
import type { TrainedModel } from '$lib/interchange/contract';
import type { ModelReference } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import type { DatasetVersionRecord } from '$lib/storage/records';

export interface OpenedModel {
  model: TrainedModel;
  /** Null for a bundle: it brings no images. */
  version: DatasetVersionRecord | null;
  /** Whose weights these are; null for a bundle. */
  run: { id: string; checkpoint: string; epoch: number } | null;
}

export async function openModel(reference: ModelReference, connect: () => Promise<Database>): Promise<OpenedModel> {
  switch (reference.kind) {
    case 'run': {
      const { runId, checkpoint: slot } = reference;
      const { model, version, checkpoint } = await loadRunModel(await connect(), runId, slot);
      return { model, version, run: { id: runId, checkpoint: slot, epoch: checkpoint.epoch } };
    }
    case 'bundle':
      return { model: await readBundle(reference.file, reference.weights), version: null, run: null };
    default:
      return reference satisfies never;
  }
}
