// A small network for small images and quick tries.

import type { ModelMeta } from '$lib/models/contract';

/**
 * As a PyTorch module: stem.{conv,bn}, blocks.{0..5}.{dw,pw}.{conv,bn}, classifier. Every convolution is without bias and
 * followed by batch norm and ReLU6; the depthwise one carries the stride; dropout sits before the classifier.
 */
const meta: ModelMeta = {
  id: 'tiny-cnn',
  title: 'Tiny CNN',
  summary: 'Small and fast: images of 28 to 128 pixels, thousands of them, results within minutes on any machine.',
  tasks: ['classification'],
  source: 'Trainyard; the block is MobileNet’s depthwise-separable convolution',
  weightsLicence: 'none',
  parameters: 141_706,
  flops: 49_009_674,
  minimumMemory: 45_149_152,
  pretrained: [],
  recommended: { imageSize: 64, batchSize: 64 },
  sizeMultiple: 1,
  minimumSize: 8,
  tags: ['small', 'fast', 'depthwise'],
};

export default meta;
