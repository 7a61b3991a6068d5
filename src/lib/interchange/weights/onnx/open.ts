// Opens an ONNX file: its weights by name, what it says of classes and images, and its network. Values stay in the file until asked for.

import { TrainyardError } from '$lib/core/errors';
import type { TensorEntry, WeightsFile } from '../contract';
import { importArchitecture } from './architecture';
import { Unsupported } from './constant';
import { readOnnxFile } from './file';
import type { OnnxFile } from './file';
import { imageInput, leadingStep, metadataClasses, preprocessOf } from './input';
import type { ImageInput, LeadingStep } from './input';
import { isPath } from './names';
import { readTensor } from './tensor';
import type { StoredTensor } from './tensor';

/** Throws `weights-unreadable` with what was found. */
export async function openOnnx(blob: Blob, name: string): Promise<WeightsFile> {
  const file = await readable(blob, name);
  const { input, step } = await inputOf(file);
  return {
    format: 'onnx',
    convention: 'onnx',
    tensors: namedTensors(file).map((tensor) => entry(blob, tensor)),
    classes: metadataClasses(file),
    preprocess: preprocessOf(file, input, step),
    architecture: () => importArchitecture(file, step),
  };
}

/** The file, or one sentence why it cannot be read. */
export async function readable(blob: Blob, name: string): Promise<OnnxFile> {
  let file: OnnxFile;
  try {
    file = await readOnnxFile(blob);
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    throw new TrainyardError('weights-unreadable', `"${name}" cannot be read as ONNX. ${error.message}`, error.hint, {
      cause: error,
    });
  }
  const external = [...file.initializers.values()].find((tensor) => tensor.external);
  if (external !== undefined) {
    throw new TrainyardError(
      'weights-unreadable',
      `"${name}" keeps its weights in another file ("${external.name}" and more).`,
      'Save the model as one file: onnx.save_model(model, path, save_as_external_data=False).',
    );
  }
  return file;
}

/** Tensors of numbers, also those that PyTorch stores once under another name because they are equal. */
function namedTensors({ initializers, nodes }: OnnxFile): StoredTensor[] {
  const tensors = new Map<string, StoredTensor>(initializers);
  for (const { op, inputs, outputs } of nodes) {
    const source = op === 'Identity' ? tensors.get(inputs[0] ?? '') : undefined;
    const [name] = outputs;
    if (source !== undefined && name !== undefined && isPath(name) && !tensors.has(name)) {
      tensors.set(name, { ...source, name });
    }
  }
  return [...tensors.values()].filter(({ dtype }) => dtype !== 'string');
}

function entry(blob: Blob, tensor: StoredTensor): TensorEntry {
  const { name, shape, dtype } = tensor;
  return {
    name,
    shape,
    dtype,
    async read() {
      const values = await readTensor(blob, tensor);
      return values instanceof Float32Array ? values : Float32Array.from(values);
    },
  };
}

/** Null where the file is no network of images. */
async function inputOf(file: OnnxFile): Promise<{ input: ImageInput | null; step: LeadingStep | null }> {
  try {
    const input = imageInput(file);
    return { input, step: await leadingStep(file, input) };
  } catch (error) {
    // A file whose first layers cannot be read may still give its weights.
    if (error instanceof Unsupported || error instanceof TrainyardError) return { input: null, step: null };
    throw error;
  }
}
