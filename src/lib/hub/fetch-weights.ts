// All files of one model from where the reference says, checked. Opens none of them beyond the list of a TF.js model's shards.

import { isObject } from '$lib/core/path';
import type { WeightsSource } from '$lib/interchange/weights/contract';
import { weightsId } from '$lib/storage/weights';
import type { RemoteFile } from './contract';
import { downloadFile, type DownloadOptions } from './download';
import { extras, locate, type Extras, type RemoteReference } from './locate';
import { hostRefused, wrongHash } from './refusals';
import { isAllowed } from '../../../scripts/lib/hub.mjs';

export interface FetchedWeights extends Extras {
  files: readonly WeightsSource[];
  /** SHA-256 over the contents, as weightsId gives it. */
  id: string;
  /** Forgets what the store keeps of the download: the files are stored elsewhere by now. */
  release(): Promise<void>;
}

export interface FetchOptions extends Omit<DownloadOptions, 'reference'> {
  onCheck?: (bytes: number) => void;
}

/** A list of shards is a few hundred kB of JSON; weights are larger. */
const MANIFEST_BYTES = 64e6;

/** Downloads, or goes on. Throws 'cancelled' and what refusals.ts lists. */
export async function fetchWeights(reference: RemoteReference, given: FetchOptions): Promise<FetchedWeights> {
  const options = { ...given, reference: reference.name };
  const { file, licence } = await locate(reference, options);
  const about = await extras(reference, options);
  const { blob, sha256 } = await downloadFile(file, options);
  options.onCheck?.(blob.size);
  const first = { path: file.path, blob };
  const alone = await weightsId([first]);
  if (sha256 !== null && alone !== sha256) {
    await options.store.remove(file.url);
    throw wrongHash(reference.name, sha256, alone);
  }
  const shards = await shardsOf(file, blob, options);
  const files: WeightsSource[] = [first];
  let before = blob.size;
  for (const shard of shards) {
    const done = before;
    const { blob: content } = await downloadFile(shard, {
      ...options,
      onProgress: (progress) => options.onProgress?.({ done: done + progress.done, total: null }),
    });
    before += content.size;
    files.push({ path: shard.path, blob: content });
  }
  return {
    ...about,
    licence: about.licence ?? licence,
    files,
    id: files.length === 1 ? alone : await weightsId(files),
    async release() {
      for (const { url } of [file, ...shards]) await options.store.remove(url);
    },
  };
}

/** A TF.js model is a model.json that names its shards, which lie beside it. */
async function shardsOf(file: RemoteFile, blob: Blob, options: DownloadOptions): Promise<RemoteFile[]> {
  if (blob.size > MANIFEST_BYTES || !(await blob.slice(0, 64).text()).trimStart().startsWith('{')) return [];
  let document: unknown;
  try {
    document = JSON.parse(await blob.text());
  } catch {
    // Its reader will say what is wrong with it.
    return [];
  }
  const manifest = isObject(document) && Array.isArray(document.weightsManifest) ? document.weightsManifest : [];
  const paths = manifest.flatMap((group: unknown) =>
    isObject(group) && Array.isArray(group.paths)
      ? group.paths.filter((path): path is string => typeof path === 'string')
      : [],
  );
  return [...new Set(paths)].map((path) => {
    const url = new URL(path, file.url);
    if (!isAllowed(url, options.hub.sources)) throw hostRefused(url, options.hub);
    return { url: url.href, path, bytes: null, sha256: null };
  });
}
