// Where each parameter lies in the flat vectors of a training step, and which of them move.

import type { Graph, ParameterSpecification } from '$lib/graph/types';
import { TrainyardError } from '$lib/core/errors';
import type { ParameterValues } from '$lib/graph/types';
import type { StepSpecification } from '../contract';

export interface Placed {
  name: string;
  shape: number[];
  /** First value in the flat vector of its kind. */
  begin: number;
  size: number;
  moves: boolean;
  decays: boolean;
  /** Factor of the learning rate. */
  rate: number;
  /** Steps done before it first moved. */
  since: number;
}

export interface ParameterLayout {
  /** In graph order, one after the other. */
  trainable: readonly Placed[];
  trainableSize: number;
  /** Running statistics, likewise in a vector of their own. */
  statistics: readonly Placed[];
  statisticsSize: number;
  /** Batch norms that keep their running statistics: those whose scale and shift are both frozen, and those named so. */
  frozenNorms: ReadonlySet<string>;
}

type LayoutSpecification = Pick<StepSpecification, 'frozen' | 'frozenNorms' | 'rateScale' | 'movesFrom' | 'decayAll'>;

export function layOut(graph: Graph, specification: LayoutSpecification): ParameterLayout {
  const { frozen = new Set<string>(), rateScale, movesFrom, decayAll } = specification;
  const known = new Set(graph.parameters.map((parameter) => parameter.name));
  for (const name of frozen) {
    if (!known.has(name)) {
      throw new TrainyardError(
        'unknown-parameter',
        `The model has no parameter "${name}" to freeze.`,
        'Check the name.',
      );
    }
  }
  const place = (kind: readonly ParameterSpecification[]): { placed: Placed[]; total: number } => {
    let total = 0;
    const placed = kind.map(({ name, shape, trainable, decay }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const begin = total;
      total += size;
      const moves = trainable && !frozen.has(name);
      const [rate, since] = [rateScale?.get(name) ?? 1, movesFrom?.get(name) ?? 0];
      return { name, shape: [...shape], begin, size, moves, decays: decayAll || decay, rate, since };
    });
    return { placed, total };
  };
  const trainable = place(graph.parameters.filter((parameter) => parameter.trainable));
  const statistics = place(graph.parameters.filter((parameter) => !parameter.trainable));
  const frozenNorms = graph.nodes
    .filter((node) => node.op === 'batch_norm')
    .filter(
      ({ id, parameters }) =>
        specification.frozenNorms?.has(id) === true || (frozen.has(parameters.weight) && frozen.has(parameters.bias)),
    )
    .map((node) => node.id);
  return {
    trainable: trainable.placed,
    trainableSize: trainable.total,
    statistics: statistics.placed,
    statisticsSize: statistics.total,
    frozenNorms: new Set(frozenNorms),
  };
}

/** The values of one placed parameter, checked: present and of the right size. */
export function valuesOf(values: ParameterValues, { name, size }: Pick<Placed, 'name' | 'size'>): Float32Array {
  const found = values.get(name);
  if (found?.length === size) return found;
  throw new TrainyardError(
    'parameter-mismatch',
    found === undefined
      ? `Parameter "${name}" is missing.`
      : `Parameter "${name}" has ${found.length} values where the model has ${size}.`,
    'These weights belong to another model or another number of classes.',
  );
}
