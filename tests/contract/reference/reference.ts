// The type of a reference and what it may ask for.

import type { RandomStream } from '$lib/core/random';
import type { NodeOf, OpName } from '$lib/graph/types';
import type { RefTensor } from './tensor';

export interface ReferenceContext {
  training: boolean;
  /** Undefined for a role that the case leaves out. */
  parameter(role: string): RefTensor | undefined;
  random(): RandomStream;
  fused: 'none' | 'relu' | 'relu6';
  /** Takes what a batch norm saw. */
  reportStatistics(mean: number[], varBiased: number[]): void;
}

export type Reference<Op extends OpName> = (
  node: NodeOf<Op>,
  inputs: readonly RefTensor[],
  context: ReferenceContext,
) => RefTensor;

export function need(context: ReferenceContext, role: string): RefTensor {
  const value = context.parameter(role);
  if (value === undefined) throw new Error(`The case has no parameter "${role}".`);
  return value;
}
