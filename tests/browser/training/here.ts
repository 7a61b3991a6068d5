// Runs in the test's own thread, with an engine that fails as the test says. Not a test.
import { TrainyardError } from '$lib/core/errors';
import type { Engine, StepSpecification, TrainStep } from '$lib/engines/contract';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { createPool } from '$lib/pipeline/pool';
import type { Database } from '$lib/storage/database';
import { createControl } from '$lib/training/control';
import type { RunEvent } from '$lib/training/events';
import type { RunTools } from '$lib/training/run';
import { spawnDecodeWorker } from '$workers/spawn-decode';

export function toolsHere(database: Database, listener: (event: RunEvent) => void = () => undefined): RunTools {
  return {
    database,
    engine: createBrowserEngine,
    pool: () => createPool({ spawn: spawnDecodeWorker }),
    evaluate: () => Promise.resolve(null),
    listener,
    control: createControl().control,
  };
}

export interface Faults {
  /** Called before each step; throws what the device throws there. `number` counts the steps of the weights. */
  step?(number: number, accumulate: number): void;
  /** What the device grants of what is asked for. */
  grants?(wanted: number): number;
  renewed?(): void;
}

/** The real engine, but for its faults. */
export function faulty(engine: Engine, faults: Faults): Engine {
  return {
    device: engine.device,
    lost: engine.lost,
    compile: (graph, parameters, specification) =>
      faultyStep(engine.compile(graph, parameters, specification), specification, faults),
    predictor: (graph, parameters) => engine.predictor(graph, parameters),
    memory: () => engine.memory(),
    probe: (wanted) => Promise.resolve(faults.grants?.(wanted) ?? wanted),
    renew() {
      faults.renewed?.();
      return Promise.resolve(faulty(engine, faults));
    },
  };
}

function faultyStep(step: TrainStep, { accumulate = 1 }: StepSpecification, faults: Faults): TrainStep {
  let number = 0;
  return {
    run(batch, rate, options) {
      faults.step?.(number, accumulate);
      const result = step.run(batch, rate, options);
      number++;
      return result;
    },
    predict: (batch, options) => step.predict(batch, options),
    profile: (batch, rate) => step.profile(batch, rate),
    state: () => step.state(),
    restore(state) {
      number = state.step;
      step.restore(state);
    },
    dispose: () => step.dispose(),
  };
}

export function lostDevice(): TrainyardError {
  return new TrainyardError('device-lost', 'The device is lost.', 'Go on.', { badInput: false });
}

export function noMemory(): TrainyardError {
  return new TrainyardError('out-of-memory', 'The device has no memory left.', 'Use less.', { badInput: false });
}
