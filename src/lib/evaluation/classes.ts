// Brings a data set's classes into a model's order: they are matched by name, never by position.

import { classesOf, mapClasses } from '$lib/core/annotations';
import { TrainyardError } from '$lib/core/errors';
import type { Item } from '$lib/storage/records';

/** Names beyond this many are counted. */
const NAMED = 5;

/**
 * The items with class indices of the model. The data may lack classes of the model; a class that only the data has is an error
 * ('unknown-classes'), as no answer of the model could be right.
 */
export function matchClasses(
  items: readonly Item[],
  dataClasses: readonly string[],
  modelClasses: readonly string[],
): Item[] {
  const indices = dataClasses.map((name) => modelClasses.indexOf(name));
  const used = new Set(items.flatMap(({ annotation }) => classesOf(annotation)));
  const unknown = dataClasses.filter((_, index) => indices[index] < 0 && used.has(index));
  if (unknown.length > 0) throw unknownClasses(unknown, modelClasses);
  return items.map((item) => ({ ...item, annotation: mapClasses(item.annotation, (index) => indices[index]) }));
}

function unknownClasses(unknown: readonly string[], modelClasses: readonly string[]): TrainyardError {
  const list = (names: readonly string[]): string => {
    const shown = names.slice(0, NAMED).map((name) => `"${name}"`);
    return `${shown.join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`;
  };
  return new TrainyardError(
    'unknown-classes',
    `The data has ${unknown.length === 1 ? 'a class' : 'classes'} that the model does not know: ${list(unknown)}.`,
    `Name the folders as the model names its classes: ${list(modelClasses)}.`,
  );
}
