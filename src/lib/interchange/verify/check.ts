// Runs models on the held-out images of a check, a few at a time, and compares exported files with the reference engine.

import { TrainyardError } from '$lib/core/errors';
import type { Engine } from '$lib/engines/contract';
import type { Graph } from '$lib/graph/types';
import type { TrainedModel } from '../contract';
import { openPredictor } from '../model-predictor';
import type { PredictedModel } from '../model-predictor';
import { TOLERANCE, activate, difference } from './compare';
import type { Difference } from './compare';
import type { ImageShape, LoadedModel } from './runner';

/** Held-out images at the net's size: bytes or floats in 0..1, RGB. */
export interface CheckImages {
  images: Uint8Array | Float32Array;
  shape: ImageShape;
}

/** Bounds memory: 16 images of 224 x 224 take 10 MB, and ResNet's activations 20 times that. */
const BATCH = 16;

/** Images in 0..1 in batches. */
export function batchesOf({ images, shape }: CheckImages): { images: Float32Array; shape: ImageShape }[] {
  const [count, height, width, channels] = shape;
  const size = height * width * channels;
  if (count < 1 || images.length !== count * size) {
    throw new TrainyardError(
      'check-images',
      `The check needs at least one held-out image; found ${count} with ${images.length} values.`,
      'Keep a few images out of training: set a validation or test split.',
    );
  }
  // Divided in double precision and rounded once, as the engine does it.
  const floats = images instanceof Float32Array ? images : Float32Array.from(images, (byte) => byte / 255);
  return Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) => {
    const first = batch * BATCH;
    const last = Math.min(count, first + BATCH);
    return { images: floats.subarray(first * size, last * size), shape: [last - first, height, width, channels] };
  });
}

/** What the caller of a model without normalisation inside gives it. */
export function normalized(images: Float32Array, { mean, std }: TrainedModel['preprocess']): Float32Array {
  return images.map((value, at) => (value - mean[at % 3]) / std[at % 3]);
}

/** All rows of one output. */
function joined(rows: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    whole.set(row, at);
    at += row.length;
  }
  return whole;
}

/** The model's own outputs for the check images. */
export async function modelOutputs(
  engine: Pick<Engine, 'predictor'>,
  model: PredictedModel,
  images: CheckImages,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const predictor = await openPredictor(engine, model);
  const rows: Float32Array[] = [];
  try {
    for (const batch of batchesOf(images)) {
      stopIfAborted(signal);
      // A predictor looks at no targets.
      const { output } = await predictor.predict({ ...batch, targets: { values: new Float32Array(0), shape: [0] } });
      rows.push(output);
    }
  } finally {
    predictor.dispose();
  }
  return joined(rows);
}

/** Compares every output of a loaded export with the reference logits; the largest difference counts. */
export async function checkLoaded(
  loaded: LoadedModel,
  model: Pick<TrainedModel, 'task' | 'preprocess' | 'graph'>,
  reference: Float32Array,
  images: CheckImages,
  { normalization, signal }: { normalization: boolean; signal?: AbortSignal },
): Promise<{ logits: Difference; reason: string }> {
  const rows = new Map<string, Float32Array[]>();
  for (const batch of batchesOf(images)) {
    stopIfAborted(signal);
    const input = normalization ? batch.images : normalized(batch.images, model.preprocess);
    for (const [name, values] of await loaded.run(input, batch.shape)) {
      rows.set(name, [...(rows.get(name) ?? []), values]);
    }
  }
  const expected = new Map([['logits', reference]]);
  const { name, kind } = model.task.activation;
  if (kind !== 'none') expected.set(name, activate(reference, lastLength(model.graph), kind));
  let reason = '';
  let logits: Difference = { max: Infinity, relative: Infinity };
  for (const [output, values] of expected) {
    const found = rows.get(output);
    if (found === undefined) {
      reason ||= `It has no output "${output}".`;
      continue;
    }
    const apart = difference(values, joined(found));
    if (output === 'logits') logits = apart;
    reason ||= judge(output, apart);
  }
  return { logits, reason };
}

/** '' when within the tolerance. */
export function judge(output: string, { max, relative }: Difference): string {
  if (relative <= TOLERANCE) return '';
  if (!Number.isFinite(max)) return `Its ${output} are not all numbers, or not as many as there should be.`;
  const [found, allowed] = [relative, TOLERANCE].map((value) => value.toExponential(0));
  return `Its ${output} differ by ${found} of the largest one; ${allowed} is allowed.`;
}

function lastLength(graph: Graph): number {
  return graph.nodes.find(({ id }) => id === graph.output)?.shape.at(-1) ?? 1;
}

export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TrainyardError('cancelled', 'The export was cancelled; nothing was written.');
}
