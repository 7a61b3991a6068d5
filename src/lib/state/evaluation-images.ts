// The images behind one evaluation: its rows and the stored pictures they belong to. Read when the evaluation is looked at.
import type { Database } from '$lib/storage/database';
import { getVersion } from '$lib/storage/datasets';
import { getImageResults } from '$lib/storage/evaluations';
import type { DatasetVersionRecord, EvaluationRecord, Item } from '$lib/storage/records';
import type { ImageResults } from '$lib/tasks/contract';

export interface EvaluationImages {
  results: ImageResults;
  /** By path. An image that is not in the data version any more has none. */
  items: ReadonlyMap<string, Item>;
}

/** `known` saves reading a version that is there already. Rejects with 'evaluation-missing' and the like. */
export async function loadImages(
  database: Database,
  evaluation: EvaluationRecord,
  known: DatasetVersionRecord | undefined,
): Promise<EvaluationImages> {
  const [results, version] = await Promise.all([
    getImageResults(database, evaluation.id),
    known?.id === evaluation.versionId ? known : getVersion(database, evaluation.versionId),
  ]);
  return { results, items: new Map(version.items.map((item) => [item.path, item])) };
}
