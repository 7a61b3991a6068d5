// What computes a trained model's outputs from images: one graph with normalisation inside, or an ONNX file for the features with a
// head behind it.

import type { Batch, Engine, Prediction, Predictor } from '$lib/engines/contract';
import { withNormalization } from '$lib/graph/passes';
import type { TrainedModel } from './contract';
import type { FeatureExtractor } from './weights/onnx/extractor';

export type PredictedModel = Pick<TrainedModel, 'graph' | 'parameters' | 'preprocess' | 'extractor'>;

/** Whoever opens it disposes of it. Throws `extractor-failed` when the model's ONNX file does not run. */
export async function openPredictor(engine: Pick<Engine, 'predictor'>, model: PredictedModel): Promise<Predictor> {
  const { graph, parameters, preprocess, extractor } = model;
  if (extractor === undefined) {
    return engine.predictor(withNormalization(graph, preprocess.mean, preprocess.std), parameters);
  }
  const { createExtractor } = await import('./weights/onnx/extractor');
  const features = await createExtractor(extractor.file, extractor);
  const head = engine.predictor(graph, parameters);
  return new ExtractorPredictor(features, head, preprocess);
}

/** ONNX Runtime takes one call at a time: batches wait for each other. */
class ExtractorPredictor implements Predictor {
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly extractor: FeatureExtractor,
    readonly head: Predictor,
    readonly normalization: Pick<TrainedModel['preprocess'], 'mean' | 'std'>,
  ) {}

  predict(batch: Batch, options: { features?: boolean } = {}): Promise<Prediction> {
    const run = this.#last.then(async () => {
      const features = await this.extractor.run(batch, this.normalization);
      const shape = [batch.shape[0], 1, 1, this.extractor.features] as const;
      const prediction = await this.head.predict({ images: features, shape, targets: batch.targets });
      return options.features === true ? { ...prediction, features } : prediction;
    });
    // The next one starts whatever became of this one; its own caller hears of the failure.
    this.#last = run.catch(() => undefined);
    return run;
  }

  dispose(): void {
    this.head.dispose();
    // A batch under way ends before its session goes.
    void this.#last.then(() => this.extractor.dispose()).catch(() => undefined);
  }
}
