// The network of a run as a graph: built anew from its job, or read from its record where a file brought it. Holds no values.

import { replaceHead, type HeadOptions, type HeadSpecification } from '$lib/graph/heads';
import { withHiddenLayer } from '$lib/graph/projection';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { buildModel } from '$lib/models/build';
import type { RunRecord } from '$lib/storage/records';
import { getTask } from '$lib/tasks/registry';

/** The head that a job asks for. */
export function headOf(job: Pick<Job, 'head'>): HeadSpecification {
  // Jobs of runs from before there was a choice of heads name none.
  const head: Job['head'] | undefined = job.head;
  if (head === undefined) return { kind: 'linear' };
  const { kind, hidden, dropout, scale } = head;
  switch (kind) {
    case 'linear':
      return { kind };
    case 'mlp':
      return { kind, hidden, dropout };
    case 'cosine':
      return { kind, scale };
    default:
      return kind satisfies never;
  }
}

/**
 * Whether the classifier reads the hidden layer of the contrastive projection: where the backbone is frozen, that layer is all that
 * metric learning can teach. Where the backbone learns, it goes with the projection, as in the paper.
 */
export function readsProjection(job: Pick<Job, 'contrastive' | 'fine_tune'>): boolean {
  const contrastive: Job['contrastive'] | undefined = job.contrastive;
  return contrastive !== undefined && contrastive.epochs > 0 && job.fine_tune.train === 'head';
}

/** The graph with the head of the job behind its features. */
export function withHead(graph: Graph, job: Job, outputs: number, options: HeadOptions = {}): Graph {
  if (!readsProjection(job)) return replaceHead(graph, headOf(job), outputs, options);
  const hidden = replaceHead(withHiddenLayer(graph), headOf(job), outputs, { keepOwn: false });
  return { ...hidden, features: graph.features };
}

/**
 * The whole network, head included, without normalisation; of a run whose features a frozen ONNX file computes the head alone.
 * Throws what building throws.
 */
export async function networkOf(
  run: Pick<RunRecord, 'job' | 'classes' | 'graph'> & { preprocess: Pick<RunRecord['preprocess'], 'imageSize'> },
): Promise<Graph> {
  if (run.graph !== undefined) return run.graph;
  const { job, preprocess } = run;
  const classes = getTask(job.task).outputs(run.classes);
  const { imageSize } = preprocess;
  const graph = await buildModel(job.model.name, { config: job.model.config, imageSize, classes });
  return withHead(graph, job, classes);
}
