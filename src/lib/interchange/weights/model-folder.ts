// The files that make up one model, wherever they lie: in a folder, loose, or inside a zip. Nothing outside of them is ever read.

import { openArchive } from '$lib/data/archive/archive';
import { safePath } from '$lib/data/archive/names';
import type { WeightsSource } from './contract';
import { asUnreadable, quoted, unreadable } from './unreadable';

export interface ModelFile {
  /** '/' between parts. */
  path: string;
  size: number;
  blob(): Promise<Blob>;
}

/** A zip begins with a local header, an empty one with its end. */
const ZIP = 0x504b;

/** The files themselves; of a single zip what is in it. Throws `weights-unreadable`. */
export async function openModelFolder(files: readonly WeightsSource[], name: string): Promise<ModelFile[]> {
  const [first] = files;
  if (files.length === 1 && (await isZip(first.blob))) {
    try {
      return [...(await openArchive(first.blob, 'The archive')).files].map((entry) => ({
        path: entry.path,
        size: entry.size,
        blob: () =>
          entry.blob().catch((error: unknown) => {
            throw asUnreadable(name, error);
          }),
      }));
    } catch (error) {
      throw asUnreadable(name, error);
    }
  }
  return files.map(({ path, blob }) => ({ path, size: blob.size, blob: () => Promise.resolve(blob) }));
}

async function isZip(blob: Blob): Promise<boolean> {
  const head = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  return head.length === 2 && head[0] * 256 + head[1] === ZIP;
}

/**
 * The file that another one refers to by a relative path; by its bare name where folders were lost on the way (files dropped one by
 * one have none). Null where there is none. Throws `weights-unreadable` for a path that leaves the folder.
 */
export function findRelative(files: readonly ModelFile[], from: string, path: string, name: string): ModelFile | null {
  let safe: string;
  try {
    safe = safePath(name, path);
  } catch (error) {
    throw unreadable(
      name,
      `were refused: they name the file ${quoted(path)}, outside of their own folder`,
      undefined,
      error,
    );
  }
  const folder = from.slice(0, from.lastIndexOf('/') + 1);
  const exact = files.find((file) => file.path === folder + safe);
  if (exact !== undefined) return exact;
  const bare = safe.slice(safe.lastIndexOf('/') + 1);
  const alike = files.filter((file) => file.path.slice(file.path.lastIndexOf('/') + 1) === bare);
  return alike.length === 1 ? alike[0] : null;
}
