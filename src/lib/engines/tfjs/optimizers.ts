// The update rules on plain arrays, PyTorch's semantics and order of operations, for backends whose memory the CPU can
// reach. Element-wise and in place over ranges of flat vectors. The same rules as tensor operations are in device-store.ts.

import type { OptimizerSpecification } from '../contract';

/** Names of the buffers that a rule keeps for each parameter value. */
export function bufferNames(optimizer: OptimizerSpecification): readonly string[] {
  if (optimizer.name === 'sgd') return ['momentum'];
  // Kept without momentum, too: a schedule that cycles the momentum may bring some.
  if (optimizer.name === 'rmsprop') return ['square_avg', 'momentum'];
  return ['exp_avg', 'exp_avg_sq', ...(optimizer.amsgrad ? ['max_exp_avg_sq'] : [])];
}

/** The rule with another momentum (SGD, RMSprop) or first beta (Adam, AdamW) for one step; undefined keeps its own. */
export function withMomentum(optimizer: OptimizerSpecification, momentum: number | undefined): OptimizerSpecification {
  if (momentum === undefined) return optimizer;
  return optimizer.name === 'sgd' || optimizer.name === 'rmsprop'
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
 * One step for one range. `step` counts from 1. The rules of torch.optim: SGD without dampening; Adam (Kingma and Ba 2015) with
 * decay as part of the gradient, AdamW (Loshchilov and Hutter 2019) with decay apart from the moments, both also as AMSGrad (Reddi
 * et al. 2018); RMSprop (Hinton 2012), not centred.
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
  else if (optimizer.name === 'rmsprop') updateRmsprop(optimizer, state, range, rate);
  else updateAdam(optimizer, state, range, rate, step - range.since);
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

function updateAdam(
  {
    name,
    betas: [beta1, beta2],
    epsilon,
    weightDecay,
    amsgrad,
  }: Extract<OptimizerSpecification, { name: 'adam' | 'adamw' }>,
  { values, buffers: [mean, square, largest] }: FlatState,
  { begin, gradient, decays, scale }: UpdateRange,
  learningRate: number,
  step: number,
): void {
  const decay = decays ? weightDecay : 0;
  const added = name === 'adam' ? decay : 0;
  const shrink = name === 'adamw' ? 1 - learningRate * decay : 1;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let at = 0, to = begin; at < gradient.length; at++, to++) {
    const slope = gradient[at] * scale + added * values[to];
    const first = beta1 * mean[to] + (1 - beta1) * slope;
    let second = beta2 * square[to] + (1 - beta2) * slope * slope;
    mean[to] = first;
    square[to] = second;
    if (amsgrad) largest[to] = second = Math.max(largest[to], second);
    values[to] = values[to] * shrink - (rate * first) / (Math.sqrt(second) * correction + epsilon);
  }
}

function updateRmsprop(
  { alpha, epsilon, momentum, weightDecay }: Extract<OptimizerSpecification, { name: 'rmsprop' }>,
  { values, buffers: [square, velocity] }: FlatState,
  { begin, gradient, decays, scale }: UpdateRange,
  learningRate: number,
): void {
  const decay = decays ? weightDecay : 0;
  for (let at = 0, to = begin; at < gradient.length; at++, to++) {
    const slope = gradient[at] * scale + decay * values[to];
    const second = alpha * square[to] + (1 - alpha) * slope * slope;
    // Without momentum the buffer is of no consequence, as PyTorch has none then.
    const moved = momentum * velocity[to] + slope / (Math.sqrt(second) + epsilon);
    square[to] = second;
    velocity[to] = moved;
    values[to] -= learningRate * moved;
  }
}

/** Factor that brings a gradient's global norm down to `clipNorm`, as torch's clip_grad_norm_; 1 when clipping is off. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1;
}
