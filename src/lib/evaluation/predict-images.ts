// Asks a model about image files that are in no data set: decode, resize, run, decode the answer. One image at a time.

import { serializeError, TrainyardError } from '$lib/core/errors';
import type { Predictor } from '$lib/engines/contract';
import type { TrainedModel } from '$lib/interchange/contract';
import type { DecodeImage } from '$lib/pipeline/contract';
import { applyPreprocess } from '$lib/pipeline/preprocess';
import type { PredictionJson, Task } from '$lib/tasks/contract';

export interface PredictInput {
  images: readonly { name: string; file: Blob }[];
  /** Of the graph with normalisation inside. */
  predictor: Predictor;
  model: Pick<TrainedModel, 'classes' | 'preprocess'>;
  task: Task;
  decode: DecodeImage;
  signal?: AbortSignal;
}

export type PredictOutput =
  /** Times in milliseconds. */
  | { type: 'prediction'; prediction: PredictionJson; timing: { decode: number; preprocess: number; run: number } }
  | { type: 'unreadable'; image: string; reason: string };

/** One output for each image, in order. An image that cannot be read stops nothing. Throws 'cancelled' when aborted. */
export async function* predictImages(input: PredictInput): AsyncGenerator<PredictOutput, void> {
  const { predictor, task, model, decode, signal } = input;
  const [height, width] = model.preprocess.imageSize;
  for (const { name, file } of input.images) {
    if (signal?.aborted === true) throw new TrainyardError('cancelled', 'The prediction was cancelled.');
    const times = [performance.now()];
    const mark = (): void => void times.push(performance.now());
    let image;
    try {
      image = await decode(file);
    } catch (error) {
      const { code, message } = serializeError(error);
      if (code !== 'unreadable-image') throw error;
      yield { type: 'unreadable', image: name, reason: message };
      continue;
    }
    mark();
    const { data } = applyPreprocess(image, model.preprocess);
    mark();
    const { output } = await predictor.predict({
      images: new Uint8Array(data.buffer, data.byteOffset, data.length),
      shape: [1, height, width, 3],
      // Prediction reads no targets.
      targets: { values: new Float32Array(0), shape: [0] },
    });
    mark();
    const [start, decoded, resized, ran] = times;
    yield {
      type: 'prediction',
      prediction: task.decode(output, model.classes, name),
      timing: { decode: decoded - start, preprocess: resized - decoded, run: ran - resized },
    };
  }
}
