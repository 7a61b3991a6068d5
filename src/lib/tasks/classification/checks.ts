// What makes training a classifier on some data senseless, said before anything is computed.

import { TrainyardError } from '$lib/core/errors';
import type { Item } from '$lib/storage/records';

/** Names beyond this many are counted. */
const NAMED = 5;

/**
 * Throws for an empty train split, for fewer than two classes, for classes without an image to train on and for classes with
 * a single image: it cannot be learnt from and tested with at once.
 */
export function checkTrainable(items: readonly Item[], classes: readonly string[]): void {
  const train = items.filter(({ split }) => split === 'train');
  if (items.length === 0) {
    throw new TrainyardError('no-images', 'The data set has no images.', 'Import a folder or a zip with images in it.');
  }
  if (train.length === 0) {
    throw new TrainyardError(
      'no-train-images',
      `None of the ${items.length} images is in the train split.`,
      'Choose another split on the Data page, or give data.split smaller val and test shares.',
    );
  }
  if (classes.length < 2) {
    const found = classes.length === 1 ? `only one class, "${classes[0]}"` : 'no class';
    throw new TrainyardError(
      'one-class',
      `The data set has ${found}; a classifier needs two or more to tell apart.`,
      'Add images of another class, each class in a folder of its own.',
    );
  }
  const all = countClasses(items);
  const trained = countClasses(train);
  const single = classes.filter((_, index) => all.get(index) === 1);
  if (single.length > 0) {
    throw new TrainyardError(
      'class-with-one-image',
      `${subject(single)} only one image, which cannot be learnt from and tested with at once.`,
      'Add images of it, exclude that image, or merge the class with another.',
    );
  }
  const empty = classes.filter((_, index) => !trained.has(index));
  if (empty.length > 0) {
    throw new TrainyardError(
      'class-without-images',
      `${subject(empty)} no image in the train split, so the model could never learn to answer it.`,
      'Add images, move some to train by another split, or remove or merge the class.',
    );
  }
}

function countClasses(items: readonly Item[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { annotation } of items) {
    if (annotation.kind !== 'class') continue;
    counts.set(annotation.class, (counts.get(annotation.class) ?? 0) + 1);
  }
  return counts;
}

/** 'Class "a" has', 'Classes "a", "b" have'. */
function subject(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).map((name) => `"${name}"`);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.length === 1 ? `Class ${shown[0]} has` : `Classes ${shown.join(', ')}${more} have`;
}
