// All comparisons of one parity file on one engine, as `trainyard parity` prints them.

import type { BackendName, Engine } from '$lib/engines/contract';
import { buildFor, compareEvaluation, compareTensors, compareTraining, isWithin } from './compare';
import type { Deviation } from './compare';
import { architectureOf } from './fixture';
import type { ParityFixture, Rule } from './fixture';

export interface ParityReport {
  file: string;
  model: string;
  device: BackendName;
  passed: boolean;
  /** Largest error of each kind; gradients: the one nearest to its tolerance. Absent where tensors differ: nothing was run. */
  logits?: Deviation;
  logits_large?: Deviation;
  gradient?: Deviation & { tensors: number };
  sgd?: Deviation;
  adamw?: Deviation;
  /** One sentence for each thing that is over tolerance. */
  failures: string[];
  seconds: number;
}

/** Runs a whole file. Throws for an architecture that is not registered (`unknown-model`). */
export async function runParity(fixture: ParityFixture, file: string, engine: Engine): Promise<ParityReport> {
  const start = performance.now();
  const graph = await buildFor(fixture, fixture.eval.input[1]);
  const failures = compareTensors(fixture, graph);
  const about = { file, model: architectureOf(fixture), device: engine.device.backend };
  const seconds = (): number => Math.round(performance.now() - start) / 1000;
  if (failures.length > 0) return { ...about, passed: false, failures, seconds: seconds() };

  const failed = (deviations: readonly Deviation[], where = ''): void => {
    for (const one of deviations) if (!isWithin(one)) failures.push(sentence(one, where));
  };
  const evaluations = [fixture.eval, fixture.eval_large];
  const logits: Deviation[] = [];
  for (const [index, evaluation] of evaluations.entries()) {
    if (evaluation === undefined) continue;
    const deviations = await compareEvaluation(fixture, evaluation, engine);
    failed(deviations, ` at ${evaluation.input[1].slice(2).join(' x ')}`);
    logits[index] = nearest(deviations);
  }
  const trained = async (rule: Rule) => {
    const compared = await compareTraining(fixture, rule, engine);
    failed([...compared.losses, ...compared.gradients]);
    return compared;
  };
  const [sgd, adamw] = [await trained('sgd'), await trained('adamw')];
  return {
    ...about,
    passed: failures.length === 0,
    logits: logits[0],
    ...(logits.length > 1 ? { logits_large: logits[1] } : {}),
    gradient: { ...nearest(sgd.gradients), tensors: Object.keys(fixture.train.first_gradient).length },
    sgd: nearest(sgd.losses),
    adamw: nearest(adamw.losses),
    failures,
    seconds: seconds(),
  };
}

/** The deviation that is nearest to its tolerance, or furthest beyond it. */
export function nearest(deviations: readonly Deviation[]): Deviation {
  const share = ({ error, tolerance }: Deviation): number => (Number.isNaN(error) ? Infinity : error / tolerance);
  return deviations.reduce((worst, one) => (share(one) > share(worst) ? one : worst));
}

export function sentence({ what, error, tolerance }: Deviation, where = ''): string {
  return `${what}${where}: ${error.toExponential(1)} off, ${tolerance.toExponential(1)} allowed`;
}
