// From the job's optimiser to the engine's step. Names differ because the one is read by people, the other by code.

import type { LossFunction, OptimizerSpecification, StepSpecification } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import type { Frozen } from './freezing';

export function optimizerOf(job: Job, loss: LossFunction, frozen: Frozen): StepSpecification {
  const { decay_all, clip_norm } = job.optimizer;
  const optimizer = updateRule(job.optimizer);
  return { optimizer, loss, decayAll: decay_all, clipNorm: clip_norm, seed: job.seed, ...frozen };
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
