// The fields of a job that say how an image becomes the input of the network. Data alone.

import type { Fields } from '$lib/core/schema';
import type { ModelEntry } from '$lib/models/contract';

export function preprocess(model: ModelEntry) {
  return {
    type: 'object',
    title: 'Preprocessing',
    help: 'How an image becomes the input of the network; the same in training, prediction and export.',
    group: 'Image size and normalisation',
    fields: {
      image_size: {
        type: 'integer',
        title: 'Image size',
        help: `Height and width of the input. Time and memory grow with its square. ${model.meta.title} takes multiples of ${model.meta.sizeMultiple} from ${model.meta.minimumSize} on.`,
        unit: 'px',
        default: model.meta.recommended.imageSize,
        minimum: model.meta.minimumSize,
        maximum: 1024,
        multipleOf: model.meta.sizeMultiple,
      },
      resize: {
        type: 'choice',
        title: 'Resize',
        help: 'How an image of another shape becomes a square.',
        advanced: true,
        default: 'stretch',
        options: [
          { value: 'stretch', title: 'Stretch', help: 'Height and width are scaled separately.' },
          { value: 'crop', title: 'Crop', help: 'The shorter side is scaled, the centre is kept.' },
          { value: 'letterbox', title: 'Letterbox', help: 'The longer side is scaled, the rest is filled with grey.' },
        ],
      },
      interpolation: {
        type: 'choice',
        title: 'Interpolation',
        help: 'How pixels in between are computed.',
        advanced: true,
        default: 'bilinear',
        options: [
          { value: 'bilinear', title: 'Bilinear' },
          { value: 'bicubic', title: 'Bicubic' },
          { value: 'nearest', title: 'Nearest' },
        ],
      },
      normalize: {
        type: 'choice',
        title: 'Normalisation',
        help: 'Mean and standard deviation that are taken out of the pixels before the first layer.',
        advanced: true,
        default: 'dataset',
        options: [
          { value: 'dataset', title: 'Of this data set' },
          { value: 'weights', title: 'As the weights were trained' },
          { value: 'imagenet', title: 'ImageNet', help: 'Mean 0.485, 0.456, 0.406; deviation 0.229, 0.224, 0.225.' },
          { value: 'minus_one_one', title: '-1 to 1' },
          { value: 'none', title: 'None (0 to 1)' },
        ],
      },
    },
  } as const satisfies Fields[string];
}
