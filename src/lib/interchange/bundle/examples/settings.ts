// What the examples of a bundle are filled with. No text of the user's enters them: labels are read from the model's own metadata.

import type { ResolvedPreprocess } from '$lib/storage/records';
import type { TrainedModel } from '../../contract';

export interface ExampleSettings {
  height: number;
  width: number;
  resize: ResolvedPreprocess['resize'];
  interpolation: ResolvedPreprocess['interpolation'];
  mean: readonly number[];
  std: readonly number[];
  /** The ONNX and TF.js models normalise by themselves. */
  normalization: boolean;
  /** Name of the output that is shown. */
  output: string;
  /** How the scores come from the logits. */
  activation: TrainedModel['task']['activation']['kind'];
  /** Number of classes. */
  classes: number;
}

/** Colour of what a letterboxed image leaves free; a test holds it to pipeline/preprocess.ts. */
export const LETTERBOX_GREY = 114;

export function exampleSettings({ preprocess, task, classes }: TrainedModel, normalization: boolean): ExampleSettings {
  const { imageSize, resize, interpolation, mean, std } = preprocess;
  const [height, width] = imageSize;
  const { kind, name } = task.activation;
  // A name that the task chose is an identifier; anything else would be code of the user's.
  const output = kind === 'none' || !/^\w+$/.test(name) ? 'logits' : name;
  return {
    height,
    width,
    resize,
    interpolation,
    mean,
    std,
    normalization,
    output,
    activation: kind,
    classes: classes.length,
  };
}
