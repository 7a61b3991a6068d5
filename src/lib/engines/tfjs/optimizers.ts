// The update rules on plain arrays, PyTorch's semantics and order of operations, for backends whose memory the CPU can
// reach. Element-wise and in place over ranges of flat vectors. The same rules as tensor operations are in device-store.ts.

import type { OptimizerSpecification } from '../contract';

/** Names of the buffers that a rule keeps for each parameter value. */
export function bufferNames(optimizer: OptimizerSpecification): readonly string[] {
  return optimizer.name === 'sgd' ? ['momentum'] : ['exp_avg', 'exp_avg_sq'];
}

/** The rule with another momentum (SGD) or first beta (AdamW) for one step; undefined keeps its own. */
export function withMomentum(optimizer: OptimizerSpecification, momentum: number | undefined): OptimizerSpecification {
  if (momentum === undefined) return optimizer;
  return optimizer.name === 'sgd'
    ? { ...optimizer, momentum }
    : { ...optimizer, betas: [momentum, optimizer.betas[1]] };
}

/** What one update needs of the flat vectors. */
export interface FlatState {
  values: Float32Array;
  /** One for each of {@link bufferNames}, as long as `values`. */
  buffers: readonly Float32Array[];
}

/** Values begin..begin + gradient.length of the flat vectors. */
export interface UpdateRange {
  begin: number;
  gradient: Float32Array;
  /** Weight decay acts on these. */
  decays: boolean;
  /** Factor on the gradient, from clipping. */
  scale: number;
  /** Factor on the learning rate. */
  rate: number;
  /** Steps done before these values first moved. */
  since: number;
}

/**
 * One step for one range. `step` counts from 1. SGD as torch.optim.SGD without dampening; AdamW as torch.optim.AdamW
 * (Loshchilov and Hutter 2019: decay apart from the moments).
 */
export function updateRange(
  optimizer: OptimizerSpecification,
  state: FlatState,
  range: UpdateRange,
  learningRate: number,
  step: number,
): void {
  // As a parameter group of PyTorch's with a rate of its own: AdamW's decay is multiplied by that rate, too.
  const rate = learningRate * range.rate;
  if (optimizer.name === 'sgd') updateSgd(optimizer, state, range, rate);
  else updateAdamw(optimizer, state, range, rate, step - range.since);
}

function updateSgd(
  { momentum, nesterov, weightDecay }: Extract<OptimizerSpecification, { name: 'sgd' }>,
  { values, buffers: [velocity] }: FlatState,
  { begin, gradient, decays, scale }: UpdateRange,
  learningRate: number,
): void {
  const decay = decays ? weightDecay : 0;
  for (let at = 0, to = begin; at < gradient.length; at++, to++) {
    const slope = gradient[at] * scale + decay * values[to];
    const moved = momentum * velocity[to] + slope;
    velocity[to] = moved;
    values[to] -= learningRate * (nesterov ? slope + momentum * moved : moved);
  }
}

function updateAdamw(
  { betas: [beta1, beta2], epsilon, weightDecay }: Extract<OptimizerSpecification, { name: 'adamw' }>,
  { values, buffers: [mean, square] }: FlatState,
  { begin, gradient, decays, scale }: UpdateRange,
  learningRate: number,
  step: number,
): void {
  const shrink = 1 - learningRate * (decays ? weightDecay : 0);
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let at = 0, to = begin; at < gradient.length; at++, to++) {
    const slope = gradient[at] * scale;
    const first = beta1 * mean[to] + (1 - beta1) * slope;
    const second = beta2 * square[to] + (1 - beta2) * slope * slope;
    mean[to] = first;
    square[to] = second;
    values[to] = values[to] * shrink - (rate * first) / (Math.sqrt(second) * correction + epsilon);
  }
}

/** Factor that brings a gradient's global norm down to `clipNorm`, as torch's clip_grad_norm_; 1 when clipping is off. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1;
}
