// A folder for each class, with train, val and test folders above them or not. Also files chosen for each class, whose paths
// are made alike.

import { TrainyardError } from '$lib/core/errors';
import { formatPlural } from '$lib/core/format';
import type { DataProblem, SplitName } from '$lib/storage/records';
import type { SourceFile } from '../contract';
import { fileKind, listNames, readImageBytes, splitOfFolder } from '../files';
import type { Format, ImageEntry, Reading } from './format';

export const folderPerClass: Format = {
  id: 'folder-per-class',
  title: 'a folder for each class',
  detect: (files) => Promise.resolve(files.some(mayBeImage)),
  read: (files) => Promise.resolve(read(files)),
};

function mayBeImage({ path }: SourceFile): boolean {
  return ['image', 'unknown'].includes(fileKind(path));
}

function read(files: readonly SourceFile[]): Reading {
  const problems: DataProblem[] = [];
  const images = files.filter((file) => {
    if (mayBeImage(file)) return true;
    problems.push({ kind: 'skipped', path: file.path, reason: 'it is not an image' });
    return false;
  });
  const bySplit = hasSplitFolders(images);
  const entries: ImageEntry[] = [];
  for (const file of images) {
    const folders = file.path.split('/').slice(0, -1);
    const folderSplit = bySplit && folders.length > 0 ? splitOfFolder(folders[0]) : null;
    const label = folderSplit === null ? folders[0] : folders[1];
    if (label === undefined || (bySplit && folderSplit === null)) {
      problems.push({ kind: 'skipped', path: file.path, reason: outsideReason(folderSplit, bySplit) });
      continue;
    }
    entries.push({
      path: file.path,
      // macOS writes accents as separate characters; 'é' must not become two classes.
      labels: [label.normalize('NFC')],
      ...(folderSplit === null ? {} : { folderSplit }),
      load: async () => ({ bytes: await readImageBytes(file) }),
    });
  }
  if (entries.length === 0 && images.length > 0) throw noFolders(images);
  return { entries, problems };
}

/**
 * Whether the top folders are splits: all of them are, or train has val or test beside it. A lone folder "train" among
 * others is a class (of vehicles, say).
 */
function hasSplitFolders(images: readonly SourceFile[]): boolean {
  const inFolders = images.map(({ path }) => path.split('/')).filter((parts) => parts.length >= 3);
  const splits = new Set<SplitName>();
  const others = new Set<string>();
  for (const [top] of inFolders) {
    const split = splitOfFolder(top);
    if (split === null) others.add(top);
    else splits.add(split);
  }
  return splits.size > 0 && (others.size === 0 || (splits.has('train') && splits.size > 1));
}

function outsideReason(split: SplitName | null, bySplit: boolean): string {
  if (split !== null) return `it lies in the ${split} folder but in no class folder there`;
  return bySplit ? 'it lies outside the train, val and test folders' : 'it lies in no class folder';
}

function noFolders(images: readonly SourceFile[]): TrainyardError {
  const names = images.map(({ path }) => path);
  return new TrainyardError(
    'no-class-folders',
    `${formatPlural(images.length, 'image lies', 'images lie')} in no class folder (${listNames(names, 3)}), so their classes are unknown.`,
    'Put the images of each class into a folder with its name, or add a CSV file with the columns "filename" and "label".',
  );
}
