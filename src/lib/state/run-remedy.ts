// What a job becomes to be tried again after its loss ran away. Pure.
import { formatSignificant } from '$lib/core/format';
import type { Job } from '$lib/job/job';

const CLIP_NORM = 1;

/** A tenth of the learning rate, and gradients clipped to a norm of 1 where they are not held shorter already. */
export function gentler(job: Job): Job {
  const { learning_rate: rate, clip_norm: clip } = job.optimizer;
  const optimizer = {
    ...job.optimizer,
    // To so many digits that no rounding shows: 0.1 / 10 is not 0.01.
    learning_rate: Number((rate / 10).toPrecision(12)),
    clip_norm: clip > 0 ? Math.min(clip, CLIP_NORM) : CLIP_NORM,
  };
  return { ...job, optimizer };
}

/** 'learning rate 0.01 instead of 0.1, gradients clipped to 1'. */
export function gentlerText(job: Job): string {
  const before = formatSignificant(job.optimizer.learning_rate);
  const { learning_rate: rate, clip_norm: clip } = gentler(job).optimizer;
  return `learning rate ${formatSignificant(rate)} instead of ${before}, gradients clipped to ${formatSignificant(clip)}`;
}
