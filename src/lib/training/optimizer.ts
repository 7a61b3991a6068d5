// From the job's optimiser to the engine's step. Names differ because the one is read by people, the other by code.

import type { LossFunction, OptimizerSpecification, StepSpecification } from '$lib/engines/contract';
import type { Job } from '$lib/job/job';
import { parseLayerRates } from '$lib/job/layer-rates';
import type { Frozen } from './freezing';
import { layerRatesOf } from './layer-rates';

export interface StepExtras {
  /** Of the trainable parameters, for the factors by layer; none have any where this is absent. */
  names?: readonly string[];
  /** In force instead of the job's. */
  accumulate?: number;
}

/** Throws 'layer-rates' for factors that cannot be read. */
export function optimizerOf(
  job: Job,
  loss: LossFunction,
  frozen: Frozen,
  { names = [], accumulate = job.training.accumulate }: StepExtras = {},
): StepSpecification {
  const { decay_all, clip_norm, clip_value, layer_rates } = job.optimizer;
  const { decay, warmup } = job.ema;
  return {
    optimizer: updateRule(job.optimizer),
    loss,
    decayAll: decay_all,
    clipNorm: clip_norm,
    clipValue: clip_value,
    accumulate,
    ema: decay > 0 ? { decay, warmup } : null,
    seed: job.seed,
    ...frozen,
    rateScale: product(frozen.rateScale, layerRatesOf(parseLayerRates(layer_rates), names)),
  };
}

function updateRule({ name, ...settings }: Job['optimizer']): OptimizerSpecification {
  const { momentum, nesterov, betas, epsilon, amsgrad, alpha, weight_decay: weightDecay } = settings;
  switch (name) {
    case 'sgd':
      return { name, momentum, nesterov, weightDecay };
    case 'adam':
    case 'adamw':
      return { name, betas, epsilon, weightDecay, amsgrad };
    case 'rmsprop':
      return { name, alpha, epsilon, momentum, weightDecay };
    default:
      return name satisfies never;
  }
}

function product(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (b.size === 0) return a;
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((name) => [name, (a.get(name) ?? 1) * (b.get(name) ?? 1)]),
  );
}
