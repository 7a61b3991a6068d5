// Named sets of values that the Train page offers as cards above its form; applied on top of the defaults. Some suggest themselves by
// the data and say why. Pure.

import { formatCount } from '$lib/core/format';
import type { Fields, Preset } from '$lib/core/schema';
import { fieldAt, validateField } from '$lib/core/validate';
import type { JobData } from './resolve';

export interface JobPreset extends Preset {
  /** Why it fits this data better than the others, one sentence; absent where it does not. */
  why?: (data: JobData) => string | null;
}

/** Above this ratio of the largest class to the smallest, plain training mostly learns the large ones. */
const IMBALANCE = 5;

/** Train images of a class below which change and averaging do more than anything else; a rule of thumb. */
const FEW_IMAGES = 50;

export const JOB_PRESETS: readonly JobPreset[] = [
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
    help: 'Trains long with stronger augmentation and averages the weights; for the model that is kept.',
    values: {
      'training.epochs': 100,
      'ema.decay': 0.999,
      'mix.mixup': 0.2,
      'augment.policy.name': 'randaugment',
      'augment.policy.magnitude': 9,
      'early_stopping.enabled': true,
      'early_stopping.patience': 30,
    },
  },
  {
    id: 'small',
    title: 'Small data set',
    help: 'Few images seen often and changed much each time. Cross-validate afterwards: a handful of validation images tells little.',
    values: {
      'training.epochs': 80,
      'ema.decay': 0.99,
      'mix.mixup': 0.2,
      'augment.rotation': 15,
      'augment.scale': [0.8, 1.25],
      'augment.policy.name': 'randaugment',
      'augment.policy.magnitude': 9,
      'augment.erasing.probability': 0.25,
      'early_stopping.enabled': true,
      'early_stopping.patience': 30,
    },
    why: ({ classes, images }) => {
      const each = Math.floor(images.train / Math.max(1, classes));
      if (each >= FEW_IMAGES) return null;
      return `There are ${formatCount(images.train)} images to learn from, about ${formatCount(each)} a class.`;
    },
  },
  {
    id: 'imbalanced',
    title: 'Imbalanced classes',
    help: 'Mistakes on rare classes weigh more, and every class counts the same in what decides the best epoch.',
    values: {
      'training.epochs': 40,
      // The first that the task's loss offers is taken; see presetsFor.
      'loss.class_weights': 'effective',
      'validation.metric': 'macro_f1',
      'early_stopping.enabled': true,
      'early_stopping.patience': 15,
    },
    why: ({ largestClass: largest, smallestClass: smallest }) => {
      if (largest === undefined || smallest === undefined || largest <= IMBALANCE * smallest) return null;
      return `The largest class has ${formatCount(largest)} images to learn from, the smallest ${formatCount(smallest)}.`;
    },
  },
];

/** Where a task's loss has no such option: the nearest that others have. */
const INSTEAD: Readonly<Record<string, string>> = { effective: 'inverse' };

/** The presets for a task's fields: a value that its fields do not take gives way to the nearest, or is left out. */
export function presetsFor(fields: Fields): readonly JobPreset[] {
  return JOB_PRESETS.map((preset) => ({
    ...preset,
    values: Object.fromEntries(
      Object.entries(preset.values).flatMap(([path, value]) => {
        const field = fieldAt(fields, path);
        const takes = (candidate: unknown): boolean =>
          field !== undefined && candidate !== undefined && validateField(field, candidate, path).length === 0;
        const other = typeof value === 'string' ? INSTEAD[value] : undefined;
        const taken = takes(value) ? value : other;
        return taken !== undefined && takes(taken) ? [[path, taken] as const] : [];
      }),
    ),
  }));
}
