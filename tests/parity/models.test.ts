// Names, shapes and order of every architecture's tensors, and that the proof leaves none out.

import { describe, expect, test } from 'vitest';
import { buildFor, compareTensors } from '$lib/evaluation/parity/compare';
import { MODELS } from '$lib/models/registry';
import { OTHER_FILES, parityFiles } from './files';

test('there is a file for each of the ten architectures, and a model for each file', () => {
  expect(parityFiles().map(({ file }) => file)).toEqual(
    expect.arrayContaining([
      'convnext_atto.json',
      'efficientnet_b0.json',
      'mobilenetv2_100.json',
      'mobilenetv3_small_100.json',
      'mobilenetv4_conv_small.json',
      'resnet18.json',
      'resnet50.json',
      'rexnet_150.json',
      'vit_tiny_64.json',
      'vit_tiny_patch16_224.json',
    ]),
  );
  const registered = new Set(MODELS.map(({ meta }) => meta.id));
  expect(
    parityFiles()
      .filter(({ model }) => !registered.has(model))
      .map(({ file }) => file),
  ).toEqual([]);
});

describe.each(parityFiles())('$file', ({ parity }) => {
  test('has the same tensors in the same order, and as many parameters', async () => {
    expect(compareTensors(parity, await buildFor(parity, parity.eval.input[1]))).toEqual([]);
  });
});

describe.each(OTHER_FILES)('$file', ({ reason }) => {
  test('is of a task that is not there yet', (context) => context.skip(reason));
});
