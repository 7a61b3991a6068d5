// When images cannot become a data set for training, and what is said then.

import { TrainyardError } from '$lib/core/errors';
import { formatPlural } from '$lib/core/format';
import type { DataProblem } from '$lib/storage/records';
import { listNames } from './files';
import type { ImageEntry } from './formats/format';

/** A class that only some images have can be learnt without another one. */
function fewest(several: boolean): number {
  return several ? 1 : 2;
}

/** Before anything is read. Throws 'no-images' or 'one-class'. */
export function checkClasses(entries: readonly ImageEntry[], several: boolean): void {
  const classes = [...new Set(entries.flatMap(({ labels }) => labels))];
  if (classes.length >= fewest(several)) return;
  if (classes.length === 0) throw noImages('No images with a class were found.');
  throw oneClass(classes[0], formatPlural(entries.length, 'image'));
}

/** After reading: what is left may be too little. */
export function checkReadable(
  images: readonly (object | null)[],
  unreadable: readonly DataProblem[],
  entries: readonly ImageEntry[],
  several: boolean,
): void {
  const readable = entries.filter((_, i) => images[i] !== null);
  const classes = new Set(readable.flatMap(({ labels }) => labels));
  if (classes.size >= fewest(several)) return;
  const reasons = unreadable
    .flatMap((problem) => (problem.kind === 'unreadable' ? [`${problem.path}: ${problem.reason}`] : []))
    .slice(0, 3)
    .join('; ');
  if (classes.size === 0) {
    throw noImages(`None of the ${formatPlural(entries.length, 'image file')} could be read (${reasons}).`);
  }
  const lost = [...new Set(entries.flatMap(({ labels }) => labels))].filter((label) => !classes.has(label));
  throw oneClass(
    [...classes][0],
    `${formatPlural(readable.length, 'readable image')}, while no image of ${listNames(lost)} could be read (${reasons})`,
  );
}

function noImages(message: string): TrainyardError {
  return new TrainyardError(
    'no-images',
    message,
    'Choose a folder or zip with JPEG, PNG, WebP, GIF, BMP or AVIF images in one folder for each class.',
  );
}

function oneClass(name: string, found: string): TrainyardError {
  return new TrainyardError(
    'one-class',
    `There is only one class, "${name}" (${found}); a classifier needs two or more.`,
    'Add a folder with images of something else, or drop the folder above this one.',
  );
}
