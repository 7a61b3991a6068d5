import { expect, test } from 'vitest';
import { classesOf, countClasses, mapClasses, sameAnnotation, strataOf } from '$lib/core/annotations';
import type { Annotation } from '$lib/storage/records';

const one = (index: number): Annotation => ({ kind: 'class', class: index });
const several = (...classes: number[]): Annotation => ({ kind: 'classes', classes });

test('an image of several classes counts for each', () => {
  expect([...countClasses([several(0, 2), several(), one(2), { kind: 'none' }], 3)]).toEqual([1, 0, 2]);
  expect(classesOf(one(4))).toEqual([4]);
});

test('classes that become one are one, and stay in order', () => {
  expect(mapClasses(several(0, 1, 2), (index) => [2, 0, 2][index])).toEqual(several(0, 2));
  expect(mapClasses(one(1), () => 3)).toEqual(one(3));
});

test('one class and a set of one are not the same annotation', () => {
  expect(sameAnnotation(several(1, 2), several(1, 2))).toBe(true);
  expect(sameAnnotation(several(1), several(1, 2))).toBe(false);
  expect(sameAnnotation(one(1), several(1))).toBe(false);
});

test('the group of several classes is the rarest of them', () => {
  expect([...strataOf([several(0, 1), several(0), several(0, 2), several(2), several()])]).toEqual([1, 0, 2, 2, -1]);
  expect([...strataOf([one(1), one(0)])]).toEqual([1, 0]);
});
