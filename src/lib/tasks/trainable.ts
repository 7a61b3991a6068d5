// What makes training on some data senseless whatever the task, said before anything is computed.

import { TrainyardError } from '$lib/core/errors';
import type { Item } from '$lib/storage/records';

/** Names beyond this many are counted. */
const NAMED = 5;

/** Throws 'no-images' and 'no-train-images'; returns the images of the train split. */
export function requireTrainImages(items: readonly Item[]): readonly Item[] {
  if (items.length === 0) {
    throw new TrainyardError('no-images', 'The data set has no images.', 'Import a folder or a zip with images in it.');
  }
  const train = items.filter(({ split }) => split === 'train');
  if (train.length > 0) return train;
  throw new TrainyardError(
    'no-train-images',
    `None of the ${items.length} images is in the train split.`,
    'Choose another split on the Data page, or give data.split smaller val and test shares.',
  );
}

/** Throws 'class-without-images' for classes of which `counts`, by class in train, knows none. */
export function requireTrained(counts: ArrayLike<number>, classes: readonly string[]): void {
  const empty = classes.filter((_, index) => counts[index] === 0);
  if (empty.length === 0) return;
  throw new TrainyardError(
    'class-without-images',
    `${classesHave(empty)} no image in the train split, so the model could never learn to answer it.`,
    'Add images, move some to train by another split, or remove or merge the class.',
  );
}

/** 'Class "a" has', 'Classes "a", "b" have'. */
export function classesHave(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).map((name) => `"${name}"`);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.length === 1 ? `Class ${shown[0]} has` : `Classes ${shown.join(', ')}${more} have`;
}
