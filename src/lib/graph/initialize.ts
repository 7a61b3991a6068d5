// Draws the first values of a graph's parameters. Each parameter has a stream of its own, named after it, so that adding a
// layer changes no other layer's start.

import { normal, stream } from '$lib/core/random';
import type { RandomStream } from '$lib/core/random';
import { elements } from './ops/operation';
import type { Graph, Initializer, ParameterSpecification } from './types';

function draw(initializer: Initializer, random: RandomStream): () => number {
  switch (initializer.kind) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'constant':
      return () => initializer.value;
    case 'normal':
      return () => initializer.std * normal(random);
    case 'truncated_normal':
      return () => {
        // Rejection: 4.6% of the draws lie beyond two standard deviations.
        for (;;) {
          const value = normal(random);
          if (Math.abs(value) <= 2) return initializer.std * value;
        }
      };
    case 'uniform':
      return () => initializer.bound * (2 * random() - 1);
    default:
      return initializer satisfies never;
  }
}

/** Fresh values of one parameter, drawn from stream(seed, 'init', name). */
export function initializeParameter(specification: ParameterSpecification, seed: number): Float32Array {
  const next = draw(specification.initializer, stream(seed, 'init', specification.name));
  const values = new Float32Array(elements(specification.shape));
  for (let at = 0; at < values.length; at++) values[at] = next();
  return values;
}

/** Fresh values of every parameter. The caller owns them. */
export function initializeParameters(graph: Graph, seed: number): Map<string, Float32Array> {
  return new Map(graph.parameters.map((parameter) => [parameter.name, initializeParameter(parameter, seed)]));
}
