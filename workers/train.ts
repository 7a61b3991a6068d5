// Training worker: one run at a time, from its record to its evaluation. Wiring only.

import { TrainyardError } from '$lib/core/errors';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { evaluateModel } from '$lib/evaluation/evaluate-run';
import { heldOutSplit } from '$lib/evaluation/held-out';
import { loadRunModel } from '$lib/evaluation/trained-model';
import { createPool } from '$lib/pipeline/pool';
import type { TrainApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';
import type { RunRecord } from '$lib/storage/records';
import type { RunEvent } from '$lib/training/events';
import { resumeRun, startRun, type RunTools } from '$lib/training/run';
import { createConnection } from './connection';
import { spawnDecodeWorker } from './spawn-decode';

/** Aborts the run under way; null while there is none. */
let stopping: AbortController | null = null;

const connect = createConnection({ mayClose: () => stopping === null });

async function alone(
  onEvent: (event: RunEvent) => void,
  work: (tools: RunTools) => Promise<RunRecord>,
): Promise<RunRecord> {
  if (stopping !== null) {
    throw new TrainyardError(
      'already-training',
      'A run is already being trained here.',
      'Stop it, or wait for its end.',
    );
  }
  const controller = new AbortController();
  stopping = controller;
  try {
    const database = await connect();
    return await work({
      database,
      engine: createBrowserEngine,
      pool: () => createPool({ spawn: spawnDecodeWorker }),
      listener: onEvent,
      signal: controller.signal,
      async evaluate({ run, version, engine, pool }) {
        const split = heldOutSplit(version.items);
        if (split === null) return null;
        const checkpoint = 'best';
        const { model, checkpoint: kept } = await loadRunModel(database, run.id, checkpoint);
        const of = { id: run.id, checkpoint, epoch: kept.epoch } as const;
        const { id: evaluationId, result } = await evaluateModel({
          database,
          model,
          run: of,
          version,
          split,
          engine,
          pool,
        });
        return { type: 'evaluated', split, checkpoint, evaluationId, result };
      },
    });
  } finally {
    stopping = null;
  }
}

const api: TrainApi = {
  train: (request, onEvent) => alone(onEvent, (tools) => startRun(request, tools)),
  resume: (runId, onEvent) => alone(onEvent, (tools) => resumeRun(runId, tools)),
  stop() {
    stopping?.abort();
    return Promise.resolve();
  },
};

serve(api);
