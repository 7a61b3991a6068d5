// What can run an exported file, as the exporter knows it: handed in, so that the same check works in a worker and in Node.

import type { ExportFile } from '../contract';

/** [count, height, width, channels], RGB. */
export type ImageShape = readonly [count: number, height: number, width: number, channels: number];

/** A model loaded from its exported files alone. */
export interface LoadedModel {
  /** `images` are float32 in 0..1, [count, height, width, channels]. Outputs by name, flat, channels last. */
  run(images: Float32Array, shape: ImageShape): Promise<ReadonlyMap<string, Float32Array>>;
  dispose(): Promise<void>;
}

/** Loads the files of one format; rejects when the runtime does not take them. */
export type LoadModel = (files: readonly ExportFile[]) => Promise<LoadedModel>;

/** The values of [count, height, width, channels] as [count, channels, height, width]. */
export function toChannelsFirst(values: Float32Array, [count, height, width, channels]: ImageShape): Float32Array {
  const places = height * width;
  const turned = new Float32Array(values.length);
  for (let image = 0; image < count; image++) {
    const start = image * places * channels;
    for (let place = 0; place < places; place++) {
      for (let channel = 0; channel < channels; channel++) {
        turned[start + channel * places + place] = values[start + place * channels + channel];
      }
    }
  }
  return turned;
}

/** The reverse of {@link toChannelsFirst}, for outputs that are images. */
export function toChannelsLast(values: Float32Array, [count, height, width, channels]: ImageShape): Float32Array {
  const places = height * width;
  const turned = new Float32Array(values.length);
  for (let image = 0; image < count; image++) {
    const start = image * places * channels;
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < places; place++) {
        turned[start + place * channels + channel] = values[start + channel * places + place];
      }
    }
  }
  return turned;
}

/** The only file whose name ends so. */
export function fileNamed(files: readonly ExportFile[], end: string): ExportFile {
  const file = files.find(({ path }) => path.endsWith(end));
  if (file === undefined) throw new Error(`The export has no file ${end}.`);
  return file;
}
