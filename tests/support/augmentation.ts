// Augmentation settings for tests: nothing, and everything at once.
import type { AugmentSettings } from '$lib/pipeline/augment-plan';

/** Changes nothing. */
export const NO_AUGMENTATION: AugmentSettings = {
  horizontal_flip: 0,
  vertical_flip: 0,
  shift: 0,
  rotation: 0,
  translate: 0,
  scale: [1, 1],
  shear: 0,
  perspective: 0,
  fill: 'black',
  random_resized_crop: { enabled: false, scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
  color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
  grayscale: 0,
  blur: { probability: 0, sigma: [0.1, 2] },
  sharpen: { probability: 0, amount: 2 },
  noise: { probability: 0, deviation: 0.05 },
  jpeg: { probability: 0, quality: [30, 90] },
  cutout: { probability: 0, size: 0.25 },
  erasing: { probability: 0, area: [0.02, 0.33], ratio: [0.3, 3.3], fill: 'black' },
  policy: { name: 'none', operations: 2, magnitude: 9 },
};

/** Each augmentation on its own, by the name of its field. */
export const SINGLE_AUGMENTATIONS: Readonly<Record<string, Partial<AugmentSettings>>> = {
  horizontal_flip: { horizontal_flip: 0.5 },
  vertical_flip: { vertical_flip: 0.5 },
  shift: { shift: 3 },
  rotation: { rotation: 30 },
  translate: { translate: 0.2 },
  scale: { scale: [0.7, 1.4] },
  shear: { shear: 20 },
  perspective: { perspective: 0.5 },
  random_resized_crop: { random_resized_crop: { enabled: true, scale: [0.3, 1], ratio: [0.75, 1.33] } },
  brightness: { color_jitter: { brightness: 0.5, contrast: 0, saturation: 0, hue: 0 } },
  contrast: { color_jitter: { brightness: 0, contrast: 0.5, saturation: 0, hue: 0 } },
  saturation: { color_jitter: { brightness: 0, contrast: 0, saturation: 0.5, hue: 0 } },
  hue: { color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0.2 } },
  grayscale: { grayscale: 0.5 },
  blur: { blur: { probability: 0.7, sigma: [3, 20] } },
  sharpen: { sharpen: { probability: 0.7, amount: 3 } },
  noise: { noise: { probability: 0.7, deviation: 0.1 } },
  jpeg: { jpeg: { probability: 0.7, quality: [10, 60] } },
  cutout: { cutout: { probability: 0.7, size: 0.4 } },
  erasing: { erasing: { probability: 0.7, area: [0.05, 0.3], ratio: [0.3, 3.3], fill: 'noise' } },
  randaugment: { policy: { name: 'randaugment', operations: 2, magnitude: 14 } },
  trivialaugment: { policy: { name: 'trivialaugment', operations: 1, magnitude: 0 } },
  autoaugment_imagenet: { policy: { name: 'autoaugment_imagenet', operations: 0, magnitude: 0 } },
  autoaugment_cifar10: { policy: { name: 'autoaugment_cifar10', operations: 0, magnitude: 0 } },
  autoaugment_svhn: { policy: { name: 'autoaugment_svhn', operations: 0, magnitude: 0 } },
};

/** All but the policies. */
export const EVERY_AUGMENTATION: AugmentSettings = {
  ...NO_AUGMENTATION,
  ...Object.assign({}, ...Object.values(SINGLE_AUGMENTATIONS)),
  color_jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 },
  policy: NO_AUGMENTATION.policy,
};
