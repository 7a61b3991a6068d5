// From the job's optimiser to the engine's step. Names differ because the one is read by people, the other by code.

import type { LossFunction, OptimizerSpecification, StepSpecification } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';

export function optimizerOf(job: Job, loss: LossFunction): StepSpecification {
  const { decay_all, clip_norm } = job.optimizer;
  return { optimizer: updateRule(job.optimizer), loss, decayAll: decay_all, clipNorm: clip_norm, seed: job.seed };
}

function updateRule({ name, ...settings }: Job['optimizer']): OptimizerSpecification {
  const { momentum, nesterov, betas, epsilon, weight_decay: weightDecay } = settings;
  switch (name) {
    case 'sgd':
      return { name, momentum, nesterov, weightDecay };
    case 'adamw':
      return { name, betas, epsilon, weightDecay };
    default:
      return name satisfies never;
  }
}
