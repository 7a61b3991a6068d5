// What annotations say about classes, whatever their kind: the one place that tells one class from several.

import type { Annotation } from '$lib/storage/records';

/** The classes that an annotation says, rising. */
export function classesOf(annotation: Annotation): readonly number[] {
  switch (annotation.kind) {
    case 'class':
      return [annotation.class];
    case 'classes':
      return annotation.classes;
    case 'none':
      return [];
  }
}

/** Images of each class; an image of several classes counts for each. */
export function countClasses(annotations: Iterable<Annotation>, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (const annotation of annotations) for (const index of classesOf(annotation)) counts[index]++;
  return counts;
}

/** Class indices renumbered; two that become one are one. */
export function mapClasses(annotation: Annotation, map: (index: number) => number): Annotation {
  switch (annotation.kind) {
    case 'class':
      return { ...annotation, class: map(annotation.class) };
    case 'classes':
      return { ...annotation, classes: rising(annotation.classes.map(map)) };
    case 'none':
      return annotation;
  }
}

/** Sorted, without repetition. */
export function rising(classes: Iterable<number>): number[] {
  return [...new Set(classes)].sort((a, b) => a - b);
}

/** Whether two annotations say the same. */
export function sameAnnotation(a: Annotation, b: Annotation): boolean {
  return a.kind === b.kind && classesOf(a).join() === classesOf(b).join();
}

/**
 * The group of each annotation for stratified splits: its class or, of several, the one that the fewest annotations have, which is
 * the hardest to divide fairly (the first step of Sechidis et al. 2011). -1 without a class.
 */
export function strataOf(annotations: readonly Annotation[]): Int32Array {
  const counts = new Map<number, number>();
  for (const annotation of annotations) {
    for (const index of classesOf(annotation)) counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return Int32Array.from(annotations, (annotation) => {
    const classes = classesOf(annotation);
    if (classes.length === 0) return -1;
    return classes.reduce((rarest, index) => ((counts.get(index) ?? 0) < (counts.get(rarest) ?? 0) ? index : rarest));
  });
}
