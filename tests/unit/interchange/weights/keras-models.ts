// Networks made with TensorFlow.js's own layers, as the files that it saves, and what it computes with them.
import * as tf from '@tensorflow/tfjs';
import { stream } from '$lib/core/random';
import type { WeightsSource } from '$lib/interchange/weights/contract';

/** Every weight drawn anew, so that no norm is an identity and no bias nothing. */
export function drawWeights(model: tf.LayersModel, seed = 1): void {
  for (const layer of flat(model)) {
    const drawn = layer.weights.map(({ name, shape }) => {
      const random = stream(seed, name);
      const size = shape.reduce<number>((product, length) => product * (length ?? 1), 1);
      const fan = Math.max(
        1,
        shape.slice(0, -1).reduce<number>((product, length) => product * (length ?? 1), 1),
      );
      const [low, high] = /variance/.test(name) ? [0.5, 1.5] : [-1.5 / Math.sqrt(fan), 1.5 / Math.sqrt(fan)];
      const values = Float32Array.from({ length: size }, () => low + (high - low) * random());
      return tf.tensor(values, shape.map((length) => length ?? 1)); // prettier-ignore
    });
    if (drawn.length > 0) layer.setWeights(drawn);
    tf.dispose(drawn);
  }
}

function flat(model: tf.LayersModel): tf.layers.Layer[] {
  return model.layers.flatMap((layer) => (layer instanceof tf.LayersModel ? flat(layer) : [layer]));
}

export interface SavedModel {
  topology: object;
  specifications: tf.io.WeightsManifestEntry[];
  data: Uint8Array<ArrayBuffer>;
}

export async function saved(model: tf.LayersModel): Promise<SavedModel> {
  let result: SavedModel | null = null;
  await model.save(
    tf.io.withSaveHandler(({ modelTopology, weightSpecs = [], weightData }) => {
      const parts = Array.isArray(weightData) ? weightData : weightData === undefined ? [] : [weightData];
      const whole = tf.io.concatenateArrayBuffers(parts);
      result = { topology: modelTopology ?? {}, specifications: weightSpecs, data: new Uint8Array(whole) };
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  if (result === null) throw new Error('TensorFlow.js saved nothing.');
  return result;
}

export function jsonSource(path: string, value: unknown): WeightsSource {
  return { path, blob: new Blob([JSON.stringify(value)]) };
}

/** model.json and one shard. */
export function filesOf({ topology, specifications, data }: SavedModel, folder = ''): WeightsSource[] {
  const document = {
    format: 'layers-model',
    generatedBy: 'TensorFlow.js tfjs-layers v4.22.0',
    modelTopology: topology,
    weightsManifest: [{ paths: ['weights.bin'], weights: specifications }],
  };
  return [jsonSource(`${folder}model.json`, document), { path: `${folder}weights.bin`, blob: new Blob([data]) }];
}

/** Images in -1..1 of the size that a graph reads. */
export function images(shape: readonly number[], count = 2): Float32Array {
  const random = stream(5, 'images');
  return Float32Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
}

export async function outputOf(
  model: tf.LayersModel,
  values: Float32Array,
  shape: readonly number[],
): Promise<Float32Array> {
  const x = tf.tensor(values, [...shape]);
  const y = model.predict(x);
  if (Array.isArray(y)) throw new Error('The model has several outputs.');
  const result = Float32Array.from(await y.data());
  tf.dispose([x, y]);
  return result;
}
