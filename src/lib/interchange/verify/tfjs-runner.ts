// Runs exported TF.js graph models with the stock converter on whatever backend is set. Reads the very files that are offered:
// model.json and the shards that it names.

import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { dispose, io, tensor4d } from '@tensorflow/tfjs-core';
import { readBytes } from '../bytes';
import type { ExportFile } from '../contract';
import { fileNamed } from './runner';
import type { ImageShape, LoadModel } from './runner';

/** Reads the files as an HTTP loader would: each weight from the shards of its group, in order. */
function filesHandler(files: readonly ExportFile[]): io.IOHandler {
  return {
    load: async () => {
      const model: io.ModelJSON = JSON.parse(await fileNamed(files, 'model.json').blob.text());
      return io.getModelArtifactsForJSON(model, async (manifest) => {
        const shards = manifest.flatMap(({ paths }) => paths).map((path) => fileNamed(files, path).blob);
        const data = await readBytes(new Blob(shards));
        return [manifest.flatMap(({ weights }) => weights), data.buffer];
      });
    },
  };
}

export const tfjsRunner: LoadModel = async (files) => {
  const model = await loadGraphModel(filesHandler(files));
  return {
    async run(images: Float32Array, shape: ImageShape) {
      const names = model.outputs.map(({ name }) => name.replace(/:0$/, ''));
      const input = tensor4d(images, [...shape]);
      const results = model.execute(input, names);
      const tensors = Array.isArray(results) ? results : [results];
      try {
        const outputs = new Map<string, Float32Array>();
        for (const [index, name] of names.entries()) {
          // Waits for the device: the check needs the numbers now.
          outputs.set(name, Float32Array.from(await tensors[index].data<'float32'>()));
        }
        return outputs;
      } finally {
        dispose([input, ...tensors]);
      }
    },
    dispose: async () => model.dispose(),
  };
};
