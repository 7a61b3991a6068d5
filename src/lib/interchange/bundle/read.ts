// Opens bundle.zip as a trained model. Anything may be dropped onto the page, so that everything is checked: the archive, the
// document, the weights.

import { TrainyardError } from '$lib/core/errors';
import { openArchive } from '$lib/data/archive/archive';
import type { SourceFile } from '$lib/data/contract';
import { readBytes } from '../bytes';
import type { TrainedModel } from '../contract';
import { readParameters } from '../safetensors/parameters';
import { sha256 } from '../sha256';
import { parseDocument } from './document';

/** Far above a real one (ResNet-50's is 200 kB): a larger one would only take memory. */
const MAX_DOCUMENT_BYTES = 64e6;

const HINT = 'Choose the bundle.zip of an export.';

function notABundle(found: string, cause?: unknown): TrainyardError {
  return new TrainyardError('not-a-bundle', `This file is not a model bundle: ${found}.`, HINT, { cause });
}

async function entriesOf(file: Blob): Promise<readonly SourceFile[]> {
  try {
    return (await openArchive(file, 'The bundle')).files;
  } catch (error) {
    if (error instanceof TrainyardError)
      throw new TrainyardError('not-a-bundle', error.message, HINT, { cause: error });
    throw error;
  }
}

async function contentOf(entry: SourceFile): Promise<Blob> {
  try {
    return await entry.blob();
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    const message = `"${entry.path}" in the bundle cannot be read: ${error.message}.`;
    throw new TrainyardError('bundle-damaged', message, 'Download or copy the bundle again.', { cause: error });
  }
}

/**
 * The model of a bundle. `weights` (safetensors, PyTorch's names and layouts) replace the bundle's own: another checkpoint, or one
 * that was trained on elsewhere. Throws `not-a-bundle`, `bundle-damaged`, `bundle-invalid`, `bundle-version`,
 * `safetensors-damaged` or `weights-mismatch`.
 */
export async function readBundle(file: Blob, weights?: Blob): Promise<TrainedModel> {
  const entries = await entriesOf(file);
  // Somebody may have packed the unpacked folder again, with itself around.
  const documents = entries.filter(
    ({ path }) => /(^|\/)model\.json$/.test(path) && !/(^|\/)tfjs\/model\.json$/.test(path),
  );
  if (documents.length !== 1) {
    throw notABundle(documents.length === 0 ? 'it holds no model.json' : `it holds ${documents.length} model.json`);
  }
  const [entry] = documents;
  if (entry.size > MAX_DOCUMENT_BYTES) throw notABundle('its model.json is far too large');
  const { model: described, weights: own, extractor } = parseDocument(await (await contentOf(entry)).text());
  const member = async (file: string, hash: string, what: string, hint: string): Promise<Blob> => {
    const path = entry.path.replace(/model\.json$/, file);
    const stored = entries.find((candidate) => candidate.path === path);
    if (stored === undefined) throw notABundle(`its ${what}, ${file}, are missing`);
    const content = await contentOf(stored);
    if ((await sha256(await readBytes(content))) === hash) return content;
    throw new TrainyardError('bundle-damaged', `"${path}" is not the file that the bundle was made with.`, hint);
  };
  const model: Omit<TrainedModel, 'parameters'> =
    extractor === null
      ? described
      : {
          ...described,
          extractor: {
            ...extractor.description,
            file: await member(extractor.file, extractor.sha256, 'features', 'Download or copy the bundle again.'),
          },
        };
  if (weights !== undefined) return { ...model, parameters: await readParameters(model.graph, weights) };
  const content = await member(own.file, own.sha256, 'weights', 'To use other weights, give them beside the bundle.');
  return { ...model, parameters: await readParameters(model.graph, content) };
}
