// Training worker: one run or test at a time, from its record to its evaluation. Wiring only.

import { TrainyardError } from '$lib/core/errors';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { evaluateModel } from '$lib/evaluation/evaluate-run';
import { heldOutSplit } from '$lib/evaluation/held-out';
import { loadRunModel } from '$lib/evaluation/trained-model';
import { createPool, type DecodePool } from '$lib/pipeline/pool';
import type { TrainApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';
import { createTasks } from '$lib/rpc/tasks';
import type { RunRecord } from '$lib/storage/records';
import { onAsked } from '$lib/storage/run-control';
import { createControl, type ControlHandle } from '$lib/training/control';
import type { RunEvent } from '$lib/training/events';
import { extendRun, resumeRun, startRun, type EvaluateRun, type RunTools } from '$lib/training/run';
import type { TrialTools } from '$lib/training/trial';
import { profileStep, reportMemory, testBatchSizes, testRange } from '$lib/training/trials';
import { createConnection } from './connection';
import { spawnDecodeWorker } from './spawn-decode';

/** tfjs has one current backend for the whole worker: whatever computes has it for itself. */
let busy = false;
/** Of the run under way; null while there is none. */
let running: ControlHandle | null = null;

/** What the job would need, under way: answered in moments, so that a run that is begun meanwhile waits for it. */
let report: Promise<unknown> | null = null;

const connect = createConnection({ mayClose: () => !busy });
const tasks = createTasks();
const pool = (): DecodePool => createPool({ spawn: spawnDecodeWorker });

async function alone<Value>(work: () => Promise<Value>): Promise<Value> {
  if (report !== null) await report;
  if (busy) {
    const message = 'A run or a test is under way here already.';
    throw new TrainyardError('already-training', message, 'Stop it, or wait for its end.');
  }
  busy = true;
  try {
    return await work();
  } finally {
    busy = false;
  }
}

async function evaluate({ run, version, engine, pool }: EvaluateRun): ReturnType<RunTools['evaluate']> {
  const split = heldOutSplit(version.items);
  if (split === null) return null;
  const checkpoint = 'best';
  const database = await connect();
  const { model, checkpoint: kept } = await loadRunModel(database, run.id, checkpoint);
  const of = { id: run.id, checkpoint, epoch: kept.epoch };
  const { id, result } = await evaluateModel({
    database,
    model,
    run: of,
    version,
    split,
    engine,
    pool,
    accumulate: run.adapted?.accumulate,
  });
  return { type: 'evaluated', split, checkpoint, evaluationId: id, result };
}

/** What is asked of the run in any tab is done as if it were asked here. */
function run(listener: (event: RunEvent) => void, work: (tools: RunTools) => Promise<RunRecord>): Promise<RunRecord> {
  return alone(async () => {
    const handle = createControl();
    let deaf = (): void => undefined;
    const begun = (id: string): void => {
      deaf = onAsked(id, (request) => handle[request]());
    };
    running = handle;
    try {
      const database = await connect();
      const { control } = handle;
      return await work({ database, engine: createBrowserEngine, pool, evaluate, listener, begun, control });
    } finally {
      running = null;
      deaf();
    }
  });
}

function test<Value>(taskId: string, work: (tools: TrialTools) => Promise<Value>): Promise<Value> {
  return tasks.run(taskId, (signal) =>
    alone(async () => work({ database: await connect(), engine: createBrowserEngine, pool, signal })),
  );
}

async function tell(what: keyof ControlHandle & ('stop' | 'pause' | 'continue' | 'save')): Promise<void> {
  running?.[what]();
}

const api: TrainApi = {
  train: (request, onEvent) => run(onEvent, (tools) => startRun(request, tools)),
  resume: (runId, onEvent) => run(onEvent, (tools) => resumeRun(runId, tools)),
  extend: (runId, epochs, onEvent) => run(onEvent, (tools) => extendRun(runId, epochs, tools)),
  stop: () => tell('stop'),
  pause: () => tell('pause'),
  continue: () => tell('continue'),
  save: () => tell('save'),
  rangeTest: (request, onEvent) =>
    test(request.taskId, (tools) => testRange(request, tools, (step) => onEvent({ type: 'step', ...step }))),
  batchSizes: (request, onEvent) => test(request.taskId, (tools) => testBatchSizes(request, tools, onEvent)),
  memory: (request) => {
    const own = alone(async () => reportMemory(request, { database: await connect(), engine: createBrowserEngine }));
    const settled = own.then(
      () => undefined,
      () => undefined,
    );
    report = settled;
    void settled.then(() => {
      if (report === settled) report = null;
    });
    return own;
  },
  profile: (request) => test(request.taskId, (tools) => profileStep(request, tools)),
  cancel: (taskId) => tasks.cancel(taskId),
};

serve(api);
