// The commands of `trainyard` on the page's side: what the screens do with clicks, done in one go with the same workers. Those that
// train are in train.ts.

import { evaluationJson } from '$lib/evaluation/evaluation-json';
import { BROKEN_MODELS, MODELS } from '$lib/models/registry';
import type { Clients } from '$lib/rpc/client';
import type { DeviceRequest } from '$lib/engines/contract';
import type { ExportFormat, ExportReport } from '$lib/interchange/contract';
import type { ModelReference } from '$lib/rpc/protocol';
import type { SplitName, SplitSettings } from '$lib/storage/records';
import { bench } from './bench';
import { importData } from './import';
import { createParity } from './parity';
import type { Inputs } from './inputs';
import { tell } from './output';
import { createResults } from './results';
import { createTrainCommands } from './train';
import { createWeightsCommands } from './weights';

export interface EvaluateRequest {
  split: SplitName | 'all';
  checkpoint: string;
  device: DeviceRequest;
  /** Of the run. */
  settings: SplitSettings;
}

export function createCommands(clients: Clients, inputs: Inputs) {
  const weights = createWeightsCommands(clients, inputs);
  const results = createResults(clients);
  const training = createTrainCommands(clients, inputs, results);

  /**
   * Evaluates a bundle on data given under 'data'. `split` 'all' takes every image; else the data's own folders decide, or the
   * run's fractions and seed, which give its held-out images again when the data are those of the run.
   */
  async function evaluate(request: EvaluateRequest): Promise<unknown> {
    const { split, checkpoint, device, settings } = request;
    const everything: SplitSettings = { ...settings, source: 'fractions', val: 0, test: 0 };
    const source = { kind: 'files', name: 'Evaluation', files: inputs.under('data') } as const;
    const { versionId } = await importData(clients, source, 'Evaluation', split === 'all' ? everything : settings);
    const record = await clients.infer.api.evaluate(
      {
        taskId: crypto.randomUUID(),
        model: bundle(),
        versionId,
        split: split === 'all' ? 'train' : split,
        device,
      },
      (event) => tell('evaluate', event),
    );
    return { ...evaluationJson(record), split, checkpoint };
  }

  function bundle(): ModelReference {
    const weights = inputs.one('weights') ?? undefined;
    return { kind: 'bundle', name: 'bundle.zip', file: inputs.need('bundle', 'The bundle'), weights };
  }

  async function exportModel({ formats }: { formats: readonly ExportFormat[] }): Promise<ExportReport> {
    return results.exportTo(bundle(), formats, { bundle: false });
  }

  async function predict({ device }: { device: DeviceRequest }): Promise<unknown> {
    const predictions: unknown[] = [];
    const unreadable: { image: string; reason: string }[] = [];
    const images = inputs.under('images').map(({ path, file }) => ({ name: path, file }));
    await clients.infer.api.predict({ taskId: crypto.randomUUID(), model: bundle(), device, images }, (event) => {
      if (event.type === 'prediction') predictions.push(event.prediction);
      else unreadable.push({ image: event.image, reason: event.reason });
    });
    return { predictions, unreadable };
  }

  function listModels(): unknown {
    for (const { folder, reason } of BROKEN_MODELS) {
      tell('notice', { type: 'notice', message: `models/${folder}: ${reason}` });
    }
    return MODELS.map(({ meta }) => meta);
  }

  function doctor({ device }: { device: DeviceRequest }): Promise<unknown> {
    return clients.infer.api.doctor(device);
  }

  return {
    evaluate,
    predict,
    export: exportModel,
    models: listModels,
    doctor,
    bench: () => bench(clients),
    ...training.commands,
    ...createParity(),
    ...weights.commands,
    /** Ends a download or a run, whichever is under way. */
    stop: () => (weights.cancel() ? Promise.resolve() : training.stop()),
  };
}
