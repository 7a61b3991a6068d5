// Writes bundle.zip: the verified files, all that is needed to use them, and all that is needed to open the model again.

import JSZip from 'jszip';
import { TrainyardError } from '$lib/core/errors';
import { readBytes } from '../bytes';
import type { ExportFile, FormatReport, TrainedModel } from '../contract';
import { sha256 } from '../sha256';
import { bundleDocument, EXTRACTOR_FILE } from './document';
import { exampleFiles } from './examples';
import { modelCard } from './model-card';

export interface BundleRequest {
  model: TrainedModel;
  /** Of verified formats; `model.safetensors` must be among them. */
  files: readonly ExportFile[];
  formats: readonly FormatReport[];
  /** As the files were written. */
  normalization: boolean;
  /** What the check ran on. Default: held-out images. */
  imagesAre?: string;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Throws `bundle-weights` without `model.safetensors`. */
export async function writeBundle(request: BundleRequest): Promise<Blob> {
  const { model, files, formats, normalization, imagesAre = 'held-out images' } = request;
  const weights = files.find(({ path }) => path === 'model.safetensors');
  if (weights === undefined) {
    throw new TrainyardError('bundle-weights', 'A bundle needs model.safetensors.', 'Export that format too.');
  }
  const zip = new JSZip();
  // Texts first, so that a look into the archive begins with them. Stored: weights do not shrink, and Python and tar read them alike.
  const add = (path: string, content: string | Uint8Array): void => {
    zip.file(path, content, { compression: 'STORE', createFolders: false });
  };
  const hash = async (blob: Blob): Promise<string> => sha256(await readBytes(blob));
  const { extractor } = model;
  const extractorHash = extractor === undefined ? null : await hash(extractor.file);
  const document = bundleDocument(model, formats, normalization, await hash(weights.blob), extractorHash);
  add('MODEL_CARD.md', modelCard(model, formats, { normalization, imagesAre }));
  add('model.json', json(document));
  add('job.json', json(model.job));
  add('labels.txt', model.classes.map((label) => `${label.replace(/\s+/g, ' ')}\n`).join(''));
  const written = new Set(formats.map(({ format }) => format));
  for (const [path, text] of exampleFiles(model, written, normalization)) add(path, text);
  for (const { path, blob } of files) add(path, await readBytes(blob));
  if (extractor !== undefined) add(EXTRACTOR_FILE, await readBytes(extractor.file));
  return zip.generateAsync({ type: 'blob', compression: 'STORE', mimeType: 'application/zip' });
}
