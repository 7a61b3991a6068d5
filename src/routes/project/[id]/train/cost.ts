// What a job's net costs: built here as data (milliseconds) and counted. Loaded when the page is first shown.
import { getTask } from '$lib/tasks/registry';
import type { Job } from '$lib/job/job';

export interface ModelCost {
  /** Trainable. */
  parameters: number;
  /** Floating-point operations of one image's forward pass. */
  flops: number;
  /** Bytes on the device during a training step, as a run counts them before it starts. */
  memory: number;
}

/** Rejects for settings that make no net, such as an image size that is too small. */
export async function costOf(job: Job, classes: readonly string[]): Promise<ModelCost> {
  const [{ buildModel }, { countFlops, countParameters }, { replaceHead, splitAtFeatures }, { bytesFor, stepMemory }] =
    await Promise.all([
      import('$lib/models/build'),
      import('$lib/graph/cost'),
      import('$lib/graph/heads'),
      import('$lib/training/memory'),
    ]);
  const { image_size: size } = job.preprocess;
  const outputs = getTask(job.task).outputs(classes);
  const plain = await buildModel(job.model.name, {
    config: job.model.config,
    imageSize: [size, size],
    classes: outputs,
  });
  const graph = job.head.kind === 'linear' ? plain : replaceHead(plain, job.head, outputs);
  // A frozen backbone keeps nothing for its gradient.
  const learning = job.fine_tune.train === 'head' && job.fine_tune.cache ? splitAtFeatures(graph).head : graph;
  // The images still go through it once, a batch at a time: its weights, and the widest layer with what it reads.
  const widest = Math.max(...graph.nodes.map(({ shape }) => shape.reduce((product, length) => product * length, 1)));
  const { batch_size: batch, accumulate } = job.training;
  const part = Math.ceil(batch / accumulate);
  const passing = learning === graph ? 0 : 4 * (countParameters(graph).total + 2 * part * widest);
  const { trainable } = countParameters(learning);
  return {
    parameters: trainable,
    flops: countFlops(graph),
    memory: passing + bytesFor(stepMemory(learning, job), batch, accumulate),
  };
}
