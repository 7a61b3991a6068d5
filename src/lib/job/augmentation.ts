// A job's augmentation switched off: what the page compares a changed image with.

import type { Job } from './job';

/** Every change of single images off; what is set of each stays. Pure. */
export function withoutAugmentation(augment: Job['augment']): Job['augment'] {
  const off = <Settings extends { probability: number }>(settings: Settings): Settings => ({
    ...settings,
    probability: 0,
  });
  return {
    ...augment,
    horizontal_flip: 0,
    vertical_flip: 0,
    shift: 0,
    rotation: 0,
    translate: 0,
    scale: [1, 1],
    shear: 0,
    perspective: 0,
    random_resized_crop: { ...augment.random_resized_crop, enabled: false },
    color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    grayscale: 0,
    blur: off(augment.blur),
    sharpen: off(augment.sharpen),
    noise: off(augment.noise),
    jpeg: off(augment.jpeg),
    cutout: off(augment.cutout),
    erasing: off(augment.erasing),
    policy: { ...augment.policy, name: 'none' },
  };
}
