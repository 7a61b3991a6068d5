// Which part of a network learns in which epoch, and how fast, from the job's fine-tuning. Pure; the engine does the freezing.

import type { StepSpecification } from '$lib/engines/contract';
import { stagesOf, type Stage } from '$lib/graph/stages';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';

/** The part of a step's specification that freezing decides. */
export type Frozen = Required<Pick<StepSpecification, 'frozen' | 'frozenNorms' | 'rateScale' | 'movesFrom'>>;

export interface Freezing {
  /** Stages of the backbone that learn in an epoch, counted from the last; changes only where a step must be compiled anew. */
  stages(epoch: number): number;
  /** What holds in an epoch. Epochs count from 0. */
  at(epoch: number): Frozen;
  /** The stage that was let go last, for people. */
  name(stages: number): string;
}

/** Everything learns, at one rate. */
export const NOTHING_FROZEN: Freezing = {
  stages: () => 0,
  at: () => ({ frozen: new Set(), frozenNorms: new Set(), rateScale: new Map(), movesFrom: new Map() }),
  name: () => '',
};

/**
 * `graph` may be any part of a network that has its backbone. Throws 'graph-features' where the job freezes and the network does not
 * say what its backbone is.
 */
export function createFreezing(graph: Graph, fineTune: Job['fine_tune'] | undefined, stepsPerEpoch: number): Freezing {
  // Jobs of runs from before there was fine-tuning say nothing of it.
  if (fineTune === undefined) return NOTHING_FROZEN;
  const { train, stages: wanted, unfreeze_every: every, stage_rate: rate, freeze_norms: freezeNorms } = fineTune;
  if (train === 'all' && rate === 1 && !freezeNorms) return NOTHING_FROZEN;
  const lastFirst = stagesOf(graph).toReversed();
  const begin = { head: 0, stages: Math.min(wanted, lastFirst.length), all: lastFirst.length }[train];
  const count = (epoch: number): number =>
    Math.min(lastFirst.length, begin + (every > 0 ? Math.floor(epoch / every) : 0));
  /** Of a stage, by its place from the end. */
  const firstEpoch = (place: number): number => (place < begin ? 0 : (place - begin + 1) * every);

  return {
    stages: count,
    at(epoch) {
      const trained = count(epoch);
      const learning = lastFirst.slice(0, trained);
      return {
        frozen: new Set(lastFirst.slice(trained).flatMap(({ parameters }) => parameters)),
        frozenNorms: new Set(freezeNorms ? learning.flatMap(({ norms }) => norms) : []),
        rateScale: each(learning, (place) => rate ** (place + 1), 1),
        movesFrom: each(learning, (place) => firstEpoch(place) * stepsPerEpoch, 0),
      };
    },
    name: (stages) => lastFirst[stages - 1]?.name ?? '',
  };
}

/** That of the first epoch in every epoch, with `names` frozen besides. */
export function heldAt(freezing: Freezing, names: readonly string[] = []): Freezing {
  return alsoFrozen({ ...freezing, stages: () => freezing.stages(0), at: () => freezing.at(0) }, names);
}

/** With parameters frozen throughout that are in no stage. */
export function alsoFrozen(freezing: Freezing, names: readonly string[]): Freezing {
  return {
    ...freezing,
    at(epoch) {
      const { frozen, ...rest } = freezing.at(epoch);
      return { ...rest, frozen: new Set([...frozen, ...names]) };
    },
  };
}

/** A number for each parameter of the stages; those with the `usual` one are left out. */
function each(stages: readonly Stage[], of: (place: number) => number, usual: number): Map<string, number> {
  return new Map(
    stages.flatMap(({ parameters }, place) =>
      of(place) === usual ? [] : parameters.map((name) => [name, of(place)] as const),
    ),
  );
}
