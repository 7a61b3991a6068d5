// The formats in the order in which they are tried: the more a format says about itself, the earlier.

import { TrainyardError } from '$lib/core/errors';
import type { SourceFile } from '../contract';
import { baseName, extensionOf } from '../files';
import { csv } from './csv';
import { folderPerClass } from './folder-per-class';
import type { Format } from './format';
import { idx } from './idx';

export const FORMATS: readonly Format[] = [idx, csv, folderPerClass];

/** Throws 'no-images', telling what was found instead. */
export async function detectFormat(files: readonly SourceFile[]): Promise<Format> {
  for (const format of FORMATS) {
    if (await format.detect(files)) return format;
  }
  throw noImages(files);
}

function noImages(files: readonly SourceFile[]): TrainyardError {
  const kinds = new Map<string, number>();
  for (const { path } of files) {
    const extension = extensionOf(path);
    const kind = extension === '' ? baseName(path) : `.${extension}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const found = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 4);
  const list = found.map(([kind, count]) => `${count} ${kind}`).join(', ');
  return new TrainyardError(
    'no-images',
    list === '' ? 'There are no files to import.' : `No images were found, only other files (${list}).`,
    'Choose a folder or zip with JPEG, PNG, WebP, GIF, BMP or AVIF images in one folder for each class, or IDX files.',
  );
}
