// How Keras's SqueezeNet 1.1 (keras-squeezenet's names: conv1, fire2/squeeze1x1, ... fire9/expand3x3, conv10) fits the model.

import type { WeightsMapping } from '$lib/models/contract';

/** torchvision's number of a fire module within `features` -> Keras's. */
const FIRES: Record<string, number> = { 3: 2, 4: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8, 12: 9 };
const PARTS: Record<string, string> = { squeeze: 'squeeze1x1', expand1x1: 'expand1x1', expand3x3: 'expand3x3' };

function kerasLayer(module: string): string | null {
  if (module === 'features.0') return 'conv1';
  if (module === 'classifier.1') return 'conv10';
  const [, number, part] = module.split('.');
  return number in FIRES && part in PARTS ? `fire${FIRES[number]}/${PARTS[part]}` : null;
}

const weights: WeightsMapping = {
  keras: (parameter) => {
    const dot = parameter.lastIndexOf('.');
    const layer = kerasLayer(parameter.slice(0, dot));
    return layer === null ? null : `${layer}/${parameter.endsWith('.bias') ? 'bias' : 'kernel'}`;
  },
  // Caffe's preparation, blue first: 103.939, 116.779, 123.68 are subtracted from 0..255 and nothing is divided.
  kerasInput: {
    mean: [123.68 / 255, 116.779 / 255, 103.939 / 255],
    std: [1 / 255, 1 / 255, 1 / 255],
    channels: 'bgr',
  },
};

export default weights;
