// What was dropped or chosen (files, folders, zips) as one list of files with tidy paths. Does not look at images.

import { TrainyardError } from '$lib/core/errors';
import type { DataProblem } from '$lib/storage/records';
import { openArchive } from './archive/archive';
import type { SourceFile } from './contract';
import { extensionOf, fileKind, isRubbish, listNames, stripCommonFolder } from './files';

export interface Listing {
  files: SourceFile[];
  problems: DataProblem[];
}

/**
 * Zips at the top level are opened, several of them each as a folder of its name; a zip inside a folder or a zip is listed as
 * skipped. Throws what `openArchive` throws, and 'no-images' where nothing is left.
 */
export async function listFiles(dropped: readonly { path: string; file: Blob }[]): Promise<Listing> {
  const present = dropped
    .map(({ path, file }) => ({ path: path.replace(/^(\.?\/)+/, ''), file }))
    .filter(({ path }) => !isRubbish(path));
  const zips = present.filter(
    ({ path }) => extensionOf(path) === 'zip' && (!path.includes('/') || present.length === 1),
  );
  const files: SourceFile[] = [];
  const problems: DataProblem[] = [];
  for (const { path, file } of present) {
    if (!zips.some((zip) => zip.path === path)) {
      files.push({ path, size: file.size, blob: () => Promise.resolve(file) });
      continue;
    }
    const archive = await openArchive(file, path);
    const folder = present.length === 1 ? '' : `${path.slice(0, -'.zip'.length)}/`;
    problems.push(
      ...archive.problems.map((problem) => ('path' in problem ? { ...problem, path: folder + problem.path } : problem)),
    );
    for (const entry of archive.files) {
      if (!isRubbish(entry.path)) files.push({ ...entry, path: folder + entry.path });
    }
  }
  if (files.length === 0) throw emptyError(zips.map(({ path }) => path));
  return refuseArchives(stripCommonFolder(files), problems);
}

/** Gzip files are left to the formats that read them (IDX). */
function refuseArchives(files: readonly SourceFile[], problems: DataProblem[]): Listing {
  const kept: SourceFile[] = [];
  for (const file of files) {
    const plainGzip = extensionOf(file.path) === 'gz' && !/\.tar\.gz$/i.test(file.path);
    if (fileKind(file.path) !== 'archive' || plainGzip) {
      kept.push(file);
      continue;
    }
    const kind = extensionOf(file.path) === 'zip' ? 'a zip inside the data' : 'an archive that is not a zip';
    problems.push({ kind: 'skipped', path: file.path, reason: `it is ${kind}; unpack it and import the folder` });
  }
  if (kept.length === 0) {
    throw new TrainyardError(
      'no-images',
      `There are only archives inside the data (${listNames(files.map(({ path }) => path))}), which are not opened.`,
      'Unpack them and import the folder.',
    );
  }
  return { files: kept, problems };
}

function emptyError(zips: readonly string[]): TrainyardError {
  const what = zips.length > 0 ? zips.join(', ') : 'What was dropped';
  return new TrainyardError(
    'no-images',
    `${what} holds no files, so there are no images to import.`,
    'Choose a folder with one sub-folder of images for each class.',
  );
}
