// What the Storage dialog says of rows that belong to nothing.

import { expect, test } from 'vitest';
import { leftoversOf } from '$lib/state/disk.svelte';

const NOTHING = {
  blobs: 0,
  thumbnails: 0,
  items: 0,
  checkpoints: 0,
  states: 0,
  events: 0,
  evaluations: 0,
  imageResults: 0,
  bytes: 0,
  importing: false,
};

test('nothing is offered where everything belongs to something', () => {
  expect(leftoversOf(NOTHING)).toBeNull();
  expect(leftoversOf({ ...NOTHING, importing: true })).toBeNull();
});

test('images and weights are counted with what they would free', () => {
  expect(leftoversOf({ ...NOTHING, blobs: 12, thumbnails: 12, states: 1, bytes: 4096 })).toEqual({
    kind: 'leftovers',
    id: 'leftovers',
    name: 'Left behind by a closed tab: 12 images, the weights of 1 checkpoint',
    bytes: 4096,
  });
});

test('rows alone are said, too', () => {
  expect(leftoversOf({ ...NOTHING, events: 2, evaluations: 1 })?.name).toContain('3 records');
});
