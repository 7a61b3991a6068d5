// SqueezeNet 1.1.

import type { ModelMeta } from '$lib/models/contract';

const meta: ModelMeta = {
  id: 'squeezenet1_1',
  title: 'SqueezeNet 1.1',
  summary:
    'Under a million parameters and no batch norm: a 3 MB file, and quick features when it starts from pretrained weights.',
  tasks: ['classification'],
  paper: {
    title: 'SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size',
    authors: 'Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer',
    year: 2016,
    url: 'https://arxiv.org/abs/1602.07360',
  },
  source: 'torchvision squeezenet1_1, the mean taken before the classifier',
  weightsLicence: 'BSD-3-Clause (torchvision), MIT (keras-squeezenet)',
  parameters: 727_626,
  flops: 527_765_012,
  minimumMemory: 278_826_784,
  pretrained: [],
  recommended: { imageSize: 224, batchSize: 32 },
  sizeMultiple: 1,
  minimumSize: 32,
  tags: ['small', 'photographs', 'keras'],
};

export default meta;
