// What makes training a classifier on some data senseless, said before anything is computed.

import { countClasses } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import type { Annotation, Item } from '$lib/storage/records';
import { classesHave, requireTrained, requireTrainImages } from '../trainable';

/**
 * Throws for images without one class, for an empty train split, for fewer than two classes, for classes without an image to train on and for classes with
 * a single image: it cannot be learnt from and tested with at once.
 */
export function checkTrainable(items: readonly Item[], classes: readonly string[]): void {
  const train = requireTrainImages(items);
  for (const { annotation } of items) labelOf(annotation);
  if (classes.length < 2) {
    const found = classes.length === 1 ? `only one class, "${classes[0]}"` : 'no class';
    throw new TrainyardError(
      'one-class',
      `The data set has ${found}; a classifier needs two or more to tell apart.`,
      'Add images of another class, each class in a folder of its own.',
    );
  }
  const all = count(items, classes);
  const single = classes.filter((_, index) => all[index] === 1);
  if (single.length > 0) {
    throw new TrainyardError(
      'class-with-one-image',
      `${classesHave(single)} only one image, which cannot be learnt from and tested with at once.`,
      'Add images of it, exclude that image, or merge the class with another.',
    );
  }
  requireTrained(count(train, classes), classes);
}

/** Throws 'not-a-class'. */
export function labelOf(annotation: Annotation): number {
  if (annotation.kind === 'class') return annotation.class;
  const found = annotation.kind === 'classes' ? 'several classes or none' : 'nothing';
  throw new TrainyardError(
    'not-a-class',
    `An image is annotated with ${found}, where image classification needs one class.`,
    'Import the images again with one class for each, or train with the task "multi_label".',
  );
}

function count(items: readonly Item[], classes: readonly string[]): Float64Array {
  return countClasses(
    items.map(({ annotation }) => annotation),
    classes.length,
  );
}
