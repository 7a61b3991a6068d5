// An ONNX file as a frozen feature extractor: cut behind its features and run by ONNX Runtime Web. Nothing in it trains.

import { TrainyardError } from '$lib/core/errors';
import type { Batch } from '$lib/engines/contract';
import { readBytes } from '../../bytes';
import { loadOnnxRuntime } from '../../verify/onnx-runtime';
import type { OnnxRuntime } from '../../verify/onnx-runtime';
import type { ImportedExtractor } from '../contract';
import { featureFile } from './cut';
import { fixed, realInputs } from './file';
import { imageInput, leadingStep } from './input';
import type { LeadingStep } from './input';
import { readable } from './open';

export interface FeatureExtractor {
  /** Numbers for each image. */
  readonly features: number;
  /**
   * [images, features]. Images are bytes or floats in 0..1, [count, height, width, 3]; `normalization` is what the network expects
   * behind whatever the file does first (WeightsFile.preprocess).
   */
  run(
    batch: Pick<Batch, 'images' | 'shape'>,
    normalization: { mean: readonly number[]; std: readonly number[] },
  ): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Bounds memory: the activations of 16 images of 224 x 224. */
const MAX_BATCH = 16;

/** Throws `extractor-failed` when ONNX Runtime does not take the file, and `weights-unreadable`. */
export async function createExtractor(
  file: Blob,
  extractor: ImportedExtractor,
  runtime?: OnnxRuntime,
): Promise<FeatureExtractor> {
  const onnx = await readable(file, extractor.title);
  const [port] = realInputs(onnx);
  const batch = fixed(port?.shape?.[0]);
  const { imageSize, layout, name } = extractor.input;
  const step = await leadingStep(onnx, { ...imageInput(onnx), imageSize, layout });
  const { blob, output } = await featureFile(onnx, extractor);
  const ort = runtime ?? (await loadOnnxRuntime());
  const session = await attempt(extractor, async () =>
    ort.InferenceSession.create(await readBytes(blob), { logSeverityLevel: 3 }),
  );
  const [height, width] = imageSize;
  const perImage = height * width * 3;
  const { features } = extractor;

  /** One call of the runtime; `count` images of `values`. */
  async function runOnce(values: Float32Array, count: number): Promise<Float32Array> {
    const dims = layout === 'NCHW' ? [count, 3, height, width] : [count, height, width, 3];
    const input = new ort.Tensor('float32', values, dims);
    const results = await attempt(extractor, () => session.run({ [name]: input }, [output]));
    const { data } = results[output];
    if (!(data instanceof Float32Array) || data.length !== count * features) {
      throw failed(extractor, `it gives ${data.length} numbers for ${count} images, not ${features} for each`);
    }
    return data;
  }

  return {
    features,
    async run({ images, shape }, { mean, std }) {
      const [count, ...sample] = shape;
      if (sample.join() !== [height, width, 3].join() || images.length !== count * perImage) {
        throw new TrainyardError(
          'batch-shape',
          `The feature extractor reads images of ${height} x ${width} x 3, found a batch of ${shape.join(' x ')}.`,
          'Resize the images to the size that the file was made for.',
          { badInput: false },
        );
      }
      const steps = inputSteps(mean, std, step, images instanceof Uint8Array);
      const result = new Float32Array(count * features);
      const size = batch ?? Math.min(count, MAX_BATCH);
      for (let first = 0; first < count; first += size) {
        const last = Math.min(count, first + size);
        // A file of a fixed batch gets the rest filled with zeros.
        const run = batch ?? last - first;
        const values = new Float32Array(run * perImage);
        place(images.subarray(first * perImage, last * perImage), values, height * width, layout, steps);
        const found = await runOnce(values, run);
        result.set(found.subarray(0, (last - first) * features), first * features);
      }
      return result;
    },
    dispose: () => session.release(),
  };
}

function failed({ title }: ImportedExtractor, found: string, cause?: unknown): TrainyardError {
  return new TrainyardError(
    'extractor-failed',
    `"${title}" cannot compute features: ${found}.`,
    'Export it with another opset, or use another file.',
    { cause },
  );
}

async function attempt<Value>(extractor: ImportedExtractor, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    throw failed(extractor, `ONNX Runtime says: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/**
 * factor * value + offset of each channel gives what the file must be fed, so that behind its own first step
 * (scale * x + shift) the network gets (image - mean) / std.
 */
export function inputSteps(
  mean: readonly number[],
  std: readonly number[],
  step: LeadingStep | null,
  bytes: boolean,
): { factor: readonly number[]; offset: readonly number[] } {
  const scale = step?.scale ?? [1, 1, 1];
  const shift = step?.shift ?? [0, 0, 0];
  const range = bytes ? 255 : 1;
  return {
    factor: mean.map((_, c) => 1 / (std[c] * scale[c] * range)),
    offset: mean.map((value, c) => (-value / std[c] - shift[c]) / scale[c]),
  };
}

/** Images [n, height, width, 3] into the file's layout. */
function place(
  images: Uint8Array | Float32Array,
  to: Float32Array,
  places: number,
  layout: 'NCHW' | 'NHWC',
  { factor, offset }: ReturnType<typeof inputSteps>,
): void {
  for (let at = 0; at < images.length; at++) {
    const channel = at % 3;
    const value = factor[channel] * images[at] + offset[channel];
    if (layout === 'NHWC') {
      to[at] = value;
      continue;
    }
    const image = Math.floor(at / (3 * places));
    const place_ = Math.floor(at / 3) % places;
    to[(image * 3 + channel) * places + place_] = value;
  }
}
