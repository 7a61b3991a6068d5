// What a job's net costs: built here as data (milliseconds) and counted. Loaded when the page is first shown.
import { getTask } from '$lib/tasks/registry';
import type { Job } from '$lib/job/job';

export interface ModelCost {
  /** Trainable. */
  parameters: number;
  /** Floating-point operations of one image's forward pass. */
  flops: number;
  /** Bytes on the device during a training step, workspaces not counted. */
  memory: number;
}

/** Rejects for settings that make no net, such as an image size that is too small. */
export async function costOf(job: Job, classes: readonly string[]): Promise<ModelCost> {
  const [{ buildModel }, { countFlops, countParameters, estimateTrainingMemory }] = await Promise.all([
    import('$lib/models/build'),
    import('$lib/graph/cost'),
  ]);
  const { image_size: size } = job.preprocess;
  const graph = await buildModel(job.model.name, {
    config: job.model.config,
    imageSize: [size, size],
    classes: getTask(job.task).outputs(classes),
  });
  return {
    parameters: countParameters(graph).trainable,
    flops: countFlops(graph),
    memory: estimateTrainingMemory(graph, job.training.batch_size, job.optimizer.name).total,
  };
}
