// Opens weights of any kind: finds out what the files are and loads the reader for them, and only that one.

import { openArchive } from '$lib/data/archive/archive';
import type { Archive } from '$lib/data/archive/archive';
import type { WeightsFile, WeightsSource } from './contract';
import { detectKind } from './detect';
import { asUnreadable, quoted, unreadable } from './unreadable';

const MODEL_JSON = /(^|\/)(model|weights_manifest)\.json$/i;
const PICKLE_ENTRY = /(^|\/)data\.pkl$/;
/** Unpacked at once; a Teachable Machine export has 2 MB. */
const MOST_UNPACKED_BYTES = 512 * 2 ** 20;

/**
 * Opens one file, or the files of a folder. `name` is for messages. Throws `weights-unreadable` with what was found where no reader
 * knows the files or where they are damaged.
 */
export async function openWeights(files: readonly WeightsSource[], name: string): Promise<WeightsFile> {
  if (files.length === 1) return openFile(files[0].blob, name, files[0].path);
  if (files.some(({ path }) => MODEL_JSON.test(path))) return openTfjs(files, name);
  const known: WeightsSource[] = [];
  for (const file of files) {
    const { kind } = await detectKind(file.blob, file.path);
    if (kind !== 'other' && kind !== 'json') known.push(file);
  }
  if (known.length === 1) return openFile(known[0].blob, name, known[0].path);
  if (known.length === 0) throw unreadable(name, 'hold no file of a kind that is known here', 'Choose the weights.');
  const two = known.slice(0, 2).map(({ path }) => quoted(path));
  throw unreadable(name, `hold several files of weights, ${two.join(' and ')} among them`, 'Choose one of them.');
}

async function openFile(blob: Blob, name: string, path: string): Promise<WeightsFile> {
  const found = await detectKind(blob, path);
  switch (found.kind) {
    case 'safetensors':
      return (await import('./safetensors')).openSafetensors(blob, name);
    case 'pickle':
      return (await import('./pytorch/open')).openPyTorch(blob, name);
    case 'zip':
      return openZip(blob, name);
    case 'hdf5':
    case 'onnx':
    case 'json':
      return openTfjs([{ path, blob }], name);
    case 'other':
      throw unreadable(name, `are ${found.found}`, found.hint);
    default:
      return found satisfies never;
  }
}

async function openTfjs(files: readonly WeightsSource[], name: string): Promise<WeightsFile> {
  throw unreadable(name, `are ${files.length} files of TensorFlow.js`);
}

async function openZip(blob: Blob, name: string): Promise<WeightsFile> {
  const archive = await openArchive(blob, name).catch((error: unknown) => {
    throw asUnreadable(name, error);
  });
  if (archive.files.some(({ path }) => PICKLE_ENTRY.test(path))) {
    return (await import('./pytorch/open')).openPyTorch(blob, name);
  }
  return openWeights(await unpack(archive, name), name);
}

/** The files of a zip that may be weights, unpacked. */
async function unpack({ files }: Archive, name: string): Promise<WeightsSource[]> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_UNPACKED_BYTES)
    throw unreadable(name, 'are a zip of over 512 MB', 'Unpack it and choose the files.');
  const sources: WeightsSource[] = [];
  for (const file of files) {
    try {
      sources.push({ path: file.path, blob: await file.blob() });
    } catch (error) {
      throw asUnreadable(`${name}: ${file.path}`, error);
    }
  }
  return sources;
}
