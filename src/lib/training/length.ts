// How long a run is, in epochs of its phases. Arithmetic only.

import type { Job } from '$lib/job/job';
import type { RunRecord } from '$lib/storage/records';

/** Epochs of metric learning that a job has before those of its classifier. */
export function contrastiveEpochs(job: Pick<Job, 'contrastive'>): number {
  // Jobs of runs from before there was metric learning say nothing of it.
  const contrastive: Job['contrastive'] | undefined = job.contrastive;
  return contrastive?.epochs ?? 0;
}

/** The classifier's epochs of a run, all parts of one that was extended. */
export function epochsOf({ job, segments }: Pick<RunRecord, 'job' | 'segments'>): number {
  return segments?.reduce((sum, epochs) => sum + epochs, 0) ?? job.training.epochs;
}
