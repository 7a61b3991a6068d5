// Named sets of values that the Train page offers as cards above its form; applied on top of the defaults. Data alone.

import type { Preset } from '$lib/core/schema';

/** Offered as cards above the form; applied on top of the defaults. */
export const JOB_PRESETS: readonly Preset[] = [
  {
    id: 'draft',
    title: 'Fast draft',
    help: 'A first answer in a few epochs: is the data learnable at all?',
    values: { 'training.epochs': 8 },
  },
  {
    id: 'balanced',
    title: 'Balanced',
    help: 'Long enough for a good model, stops by itself when nothing improves.',
    values: { 'training.epochs': 30, 'early_stopping.enabled': true, 'early_stopping.patience': 12 },
  },
  {
    id: 'best',
    title: 'Best quality',
    help: 'Trains long with stronger augmentation; for the model that is kept.',
    values: {
      'training.epochs': 100,
      'augment.rotation': 10,
      'augment.color_jitter.brightness': 0.2,
      'augment.color_jitter.contrast': 0.2,
      'augment.color_jitter.saturation': 0.2,
      'early_stopping.enabled': true,
      'early_stopping.patience': 30,
    },
  },
];
