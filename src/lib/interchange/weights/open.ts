// Opens weights of any kind: finds out what the files are and loads the reader for them, and only that one.

import { openArchive } from '$lib/data/archive/archive';
import type { WeightsFile, WeightsSource } from './contract';
import { detectKind } from './detect';
import { asUnreadable, quoted, unreadable } from './unreadable';

/** TensorFlow.js: a topology or a manifest. */
const MODEL_JSON = /(model|manifest)\.json$/i;
/** In what torch.save writes. */
const PICKLE_ENTRY = /(^|\/)data\.pkl$/;
/** What else may be in a zip. Contents decide; names save the unpacking of all the rest. */
const WEIGHTS_ENTRY = /\.(safetensors|pth|pt|bin|ckpt|pkl|h5|hdf5|keras|onnx)$/i;

/**
 * Opens one file, or the files of a folder. `name` is for messages. Throws `weights-unreadable` with what was found where no reader
 * knows the files or where they are damaged.
 */
export async function openWeights(files: readonly WeightsSource[], name: string): Promise<WeightsFile> {
  const [first, ...others] = files;
  if (first === undefined) throw unreadable(name, 'hold no file', 'Choose the weights.');
  if (others.length === 0) return openFile(first, name, { zipped: false });
  const known: WeightsSource[] = [];
  for (const file of files) {
    const { kind } = await detectKind(file.blob, file.path);
    if (kind !== 'other' && kind !== 'json') known.push(file);
  }
  // Shards can begin with any bytes, so that a model.json decides before them.
  if (files.some(({ path }) => MODEL_JSON.test(path)) || known.length === 0) {
    return (await import('./tfjs-layers')).openTfjsLayers(files, name);
  }
  const [only, ...more] = known;
  if (more.length === 0) return openFile(only, name, { zipped: false });
  const two = known.slice(0, 2).map(({ path }) => quoted(path));
  throw unreadable(name, `hold several files of weights, ${two.join(' and ')} among them`, 'Choose one of them.');
}

/** `zipped`: it came out of a zip, in which no further one is opened. */
async function openFile(file: WeightsSource, name: string, { zipped }: { zipped: boolean }): Promise<WeightsFile> {
  const { blob, path } = file;
  const found = await detectKind(blob, path);
  switch (found.kind) {
    case 'safetensors':
      return (await import('./safetensors')).openSafetensors(blob, name);
    case 'pickle':
      return (await import('./pytorch/open')).openPyTorch(blob, name);
    case 'zip':
      return openZip(file, name, zipped);
    case 'hdf5':
      return (await import('./keras-h5')).openKerasH5(blob, name);
    case 'onnx':
      return (await import('./onnx/open')).openOnnx(blob, name);
    case 'json':
      return (await import('./tfjs-layers')).openTfjsLayers([file], name);
    case 'other':
      throw unreadable(name, `are ${found.found}`, found.hint);
    default:
      return found satisfies never;
  }
}

async function openZip(file: WeightsSource, name: string, zipped: boolean): Promise<WeightsFile> {
  try {
    const { files } = await openArchive(file.blob, name);
    if (files.some(({ path }) => PICKLE_ENTRY.test(path))) {
      return await (await import('./pytorch/open')).openPyTorch(file.blob, name);
    }
    if (zipped) throw unreadable(name, `hold a zip in a zip, ${quoted(file.path)}`, 'Unpack it first.');
    const [entry, ...others] = files.filter(({ path }) => WEIGHTS_ENTRY.test(path));
    const isModelFolder = files.some(({ path }) => MODEL_JSON.test(path));
    if (isModelFolder || entry === undefined) return await (await import('./tfjs-layers')).openTfjsLayers([file], name);
    if (others.length > 0) {
      const two = `${quoted(entry.path)} and ${quoted(others[0].path)}`;
      throw unreadable(name, `hold several files of weights, ${two} among them`, 'Unpack it and choose one.');
    }
    const blob = entry.stored === null ? await entry.blob() : await entry.stored();
    return await openFile({ path: entry.path, blob }, name, { zipped: true });
  } catch (error) {
    throw asUnreadable(name, error);
  }
}
