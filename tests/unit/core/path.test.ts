// Dotted paths.
import { expect, test } from 'vitest';
import { getPath, setPath } from '$lib/core/path';

const value = { a: { b: [1, { c: 2 }] }, d: 3 };

test('a path reads through objects and lists', () => {
  expect(getPath(value, 'a.b.1.c')).toBe(2);
  expect(getPath(value, '')).toBe(value);
  expect(getPath(value, 'a.x.y')).toBeUndefined();
  expect(getPath(value, 'a.constructor')).toBeUndefined();
});

test('setting a path copies what changes, shares the rest and leaves the original alone', () => {
  const changed = setPath(value, 'a.b.1.c', 9);
  expect(changed).toEqual({ a: { b: [1, { c: 9 }] }, d: 3 });
  expect(value.a.b[1]).toEqual({ c: 2 });
  const other = setPath(value, 'd', 4);
  expect(getPath(other, 'a')).toBe(value.a);
});

test('setting a path makes the objects on the way', () => {
  expect(setPath(undefined, 'x.y', 1)).toEqual({ x: { y: 1 } });
  expect(setPath({ x: 1 }, 'x.y', 1)).toEqual({ x: { y: 1 } });
});

test('a path named like the prototype reaches no prototype', () => {
  const changed = setPath({}, '__proto__.polluted', 1);
  expect(Object.getPrototypeOf(changed)).toBe(Object.prototype);
  expect(getPath({}, 'polluted')).toBeUndefined();
  expect(getPath(changed, '__proto__.polluted')).toBe(1);
});
