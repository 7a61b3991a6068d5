// Which images are asked, and what they are called. (Asking them is the inference worker's, tested with it.)
import { expect, test } from 'vitest';
import { namesOf, spread } from '$lib/state/run-samples.svelte';

test('samples are spread over the whole list, and a short list is taken whole', () => {
  const values = Array.from({ length: 120 }, (_, index) => index);
  const chosen = spread(values, 12);
  expect(chosen).toHaveLength(12);
  expect(new Set(chosen.map((value) => Math.floor(value / 10))).size).toBe(12);
  expect(spread([1, 2], 12)).toEqual([1, 2]);
});

test('an image is called by its class, by all of its classes, or by none', () => {
  const classes = ['a', 'b', 'c'];
  expect(namesOf({ annotation: { kind: 'class', class: 1 } }, classes)).toEqual(['b']);
  expect(namesOf({ annotation: { kind: 'classes', classes: [0, 2] } }, classes)).toEqual(['a', 'c']);
  expect(namesOf({ annotation: { kind: 'none' } }, classes)).toEqual([]);
});
