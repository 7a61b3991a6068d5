// Inference worker: everything with a trained model that is not training. Wiring only.

import type { Engine, DeviceRequest } from '$lib/engines/contract';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { checkImages } from '$lib/evaluation/check-images';
import { evaluateModel } from '$lib/evaluation/evaluate-run';
import { openPredictor } from '$lib/evaluation/model-predictor';
import { predictImages } from '$lib/evaluation/predict-images';
import { exportModel } from '$lib/interchange/export';
import { onnxRuntimeWeb } from '$lib/interchange/verify/onnx-runtime';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import { createDecoder } from '$lib/pipeline/decode';
import { createPool, type DecodePool } from '$lib/pipeline/pool';
import type { InferApi } from '$lib/rpc/protocol';
import { serve } from '$lib/rpc/serve';
import { createQueue, createTasks } from '$lib/rpc/tasks';
import { getVersion } from '$lib/storage/datasets';
import { usage } from '$lib/storage/quota';
import { getTask } from '$lib/tasks/registry';
import type { OutputProgress } from '$lib/training/predict';
import { createConnection } from './connection';
import { openModel } from './models';
import { spawnDecodeWorker } from './spawn-decode';
import { VERSIONS } from './versions';

const connect = createConnection();
const tasks = createTasks();
// tfjs has one current backend for the whole worker: what computes takes turns.
const inTurn = createQueue();
let current: { request: DeviceRequest; engine: Engine } | null = null;

async function engineFor(request: DeviceRequest): Promise<Engine> {
  if (current?.request !== request) current = { request, engine: await createBrowserEngine(request) };
  return current.engine;
}

async function withPool<Value>(work: (pool: DecodePool) => Promise<Value>): Promise<Value> {
  const pool = createPool({ spawn: spawnDecodeWorker });
  try {
    return await work(pool);
  } finally {
    pool.dispose();
  }
}

/** Work with a task id: cancellable from the moment it is asked for, done when its turn comes. */
function work<Value>(taskId: string, todo: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  return tasks.run(taskId, (signal) => inTurn(() => todo(signal)));
}

const api: InferApi = {
  device: (request) => inTurn(async () => (await engineFor(request)).device),

  doctor: (request) =>
    inTurn(async () => ({
      device: (await engineFor(request)).device,
      crossOriginIsolated,
      storage: await usage(),
      versions: VERSIONS,
      userAgent: navigator.userAgent,
      cores: navigator.hardwareConcurrency,
    })),

  predict: ({ taskId, model: reference, device, images }, onEvent) =>
    work(taskId, async (signal) => {
      const { model } = await openModel(reference, connect);
      const predictor = await openPredictor(await engineFor(device), model);
      try {
        const { decode } = createDecoder();
        const task = getTask(model.task.id);
        for await (const event of predictImages({ images, predictor, model, task, decode, signal })) onEvent(event);
      } finally {
        predictor.dispose();
      }
    }),

  evaluate: ({ taskId, model: reference, versionId, split, device }, onEvent) =>
    work(taskId, async (signal) => {
      const database = await connect();
      const { model, version: own, run } = await openModel(reference, connect);
      // The run's own images are divided as the run had them: it may be a fold.
      const version = own?.id === versionId ? own : await getVersion(database, versionId);
      const engine = await engineFor(device);
      const onProgress = (progress: OutputProgress): void => onEvent({ type: 'progress', ...progress });
      return withPool((pool) =>
        evaluateModel({ database, model, run, version, split, engine, pool, signal, onProgress }),
      );
    }),

  export: ({ taskId, model: reference, formats, bundle }, onEvent) =>
    work(taskId, async (signal) => {
      const { model, version } = await openModel(reference, connect);
      const engine = await engineFor('auto');
      const images = await withPool((pool) => checkImages({ model, version, pool }));
      const runners = { engine, onnx: await onnxRuntimeWeb(), tfjs: tfjsRunner };
      return exportModel({ model, formats, bundle, images, runners, onEvent, signal });
    }),

  cancel: (taskId) => tasks.cancel(taskId),
};

serve(api);
