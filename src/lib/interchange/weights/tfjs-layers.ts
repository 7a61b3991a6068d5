// Opens a TensorFlow.js layers model: model.json with its shards, a folder or a zip of them, weights without a topology, and what
// Teachable Machine exports. Graph models keep no layers and are refused.

import { isObject } from '$lib/core/path';
import type { InputPreprocess, WeightsFile, WeightsSource } from './contract';
import { MAX_JSON_BYTES, listOf, parseJsonObject, property } from './json-file';
import type { JsonObject } from './json-file';
import { architectureOf, importKeras, rawPreprocess } from './keras/network';
import { tensorFinder } from './keras/tensors';
import { findRelative, openModelFolder } from './model-folder';
import type { ModelFile } from './model-folder';
import { readManifest } from './tfjs-manifest';
import { quoted, unreadable } from './unreadable';

interface ModelDocument {
  file: ModelFile;
  manifest: unknown;
  /** Null where the file holds weights alone. */
  topology: JsonObject | null;
}

/** `files` belong together, their paths relative to one folder; `name` is for messages. Throws `weights-unreadable`. */
export async function openTfjsLayers(files: readonly WeightsSource[], name: string): Promise<WeightsFile> {
  const folder = await openModelFolder(files, name);
  const documents = await jsonFiles(folder, name);
  const model = modelDocument(documents, name);
  const tensors = await readManifest(model.manifest, name, async (path) => {
    const shard = findRelative(folder, model.file.path, path, name);
    if (shard !== null) return shard.blob();
    throw unreadable(
      name,
      `are incomplete: ${quoted(path)}, which ${quoted(model.file.path)} names, is missing`,
      'Choose model.json together with all of its weight files, or a zip of them.',
    );
  });
  const { topology } = model;
  const network = topology === null ? null : await importKeras(topology, tensorFinder(tensors));
  const described = documents.map(({ content }) => metadataOf(content)).find((found) => found !== null) ?? null;
  return {
    format: 'tfjs-layers',
    convention: 'keras',
    tensors,
    classes: described?.classes ?? null,
    preprocess: described?.preprocess ?? (network === null ? null : rawPreprocess(network)),
    architecture: () => (network === null ? Promise.resolve({ kind: 'none' }) : architectureOf(network)),
  };
}

interface JsonFile {
  file: ModelFile;
  /** The manifest alone is a list in old exports. */
  content: JsonObject;
}

/** Files that are no JSON are none of the model's. */
async function jsonFiles(folder: readonly ModelFile[], name: string): Promise<JsonFile[]> {
  const documents: JsonFile[] = [];
  for (const file of folder) {
    // A single file may be called anything: it was taken for JSON already.
    if (!/\.json$/i.test(file.path) && folder.length > 1) continue;
    if (file.size > MAX_JSON_BYTES) throw unreadable(name, `cannot be read: ${quoted(file.path)} is far too large`);
    const text = await (await file.blob()).text();
    if (/^\s*\[/.test(text))
      documents.push({ file, content: { weightsManifest: manifestList(text, file.path, name) } });
    else documents.push({ file, content: parseJsonObject(text, name, quoted(file.path)) });
  }
  return documents;
}

/** `weights_manifest.json` of the first versions is the bare list. */
function manifestList(text: string, path: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(name, `cannot be read: ${quoted(path)} is no JSON`, undefined, error);
  }
}

function modelDocument(documents: readonly JsonFile[], name: string): ModelDocument {
  const models = documents.filter(
    ({ content }) => Object.hasOwn(content, 'weightsManifest') || Object.hasOwn(content, 'modelTopology'),
  );
  const graphModel = models.find(({ content }) => isGraphModel(content));
  if (graphModel !== undefined) {
    throw unreadable(
      name,
      `are a TensorFlow.js graph model (${quoted(graphModel.file.path)}), which keeps no layers to train`,
      'Take the layers model or the Keras file that it was converted from, or export the network as ONNX.',
    );
  }
  const [model, ...others] = models;
  if (model === undefined) {
    throw unreadable(
      name,
      'hold no model.json of TensorFlow.js',
      'Choose model.json together with all of its weight files, or a zip of them.',
    );
  }
  if (others.length > 0) {
    const two = [model, ...others].slice(0, 2).map(({ file }) => quoted(file.path));
    throw unreadable(name, `hold several models, ${two.join(' and ')} among them`, 'Choose the files of one of them.');
  }
  const topology = property(model.content, 'modelTopology');
  return {
    file: model.file,
    manifest: property(model.content, 'weightsManifest'),
    topology: isObject(topology) ? topology : null,
  };
}

function isGraphModel(content: JsonObject): boolean {
  const topology = property(content, 'modelTopology');
  return (
    property(content, 'format') === 'graph-model' || (isObject(topology) && Array.isArray(property(topology, 'node')))
  );
}

/** Teachable Machine's metadata.json: labels, and images that were cropped to a square and brought to -1..1. */
function metadataOf(content: JsonObject): { classes: readonly string[]; preprocess: InputPreprocess | null } | null {
  const labels = listOf(property(content, 'labels'));
  if (labels.length === 0 || labels.length > 100_000 || Object.hasOwn(content, 'weightsManifest')) return null;
  const classes = labels.filter((label) => typeof label === 'string');
  if (classes.length < labels.length) return null;
  const size = Number(property(content, 'imageSize') ?? 224);
  const images = /image/.test(String(property(content, 'packageName') ?? ''));
  if (!images || !Number.isInteger(size) || size < 1 || size > 8192) return { classes, preprocess: null };
  const half = [0.5, 0.5, 0.5] as const;
  return {
    classes,
    preprocess: { mean: half, std: half, imageSize: [size, size], resize: 'crop', interpolation: 'bilinear' },
  };
}
