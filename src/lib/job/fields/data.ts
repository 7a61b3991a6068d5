// The fields of a job that say where the images are and how they are split. Data alone.

import type { Fields } from '$lib/core/schema';

export const DATA = {
  type: 'object',
  title: 'Data',
  help: 'Where the images are and how they are split.',
  group: 'Data',
  fields: {
    path: {
      type: 'string',
      title: 'Path',
      help: 'A folder or a zip, for the command line; the page uses the data set of the project.',
      advanced: true,
      default: '',
    },
    train_dir: {
      type: 'string',
      title: 'Train folder',
      help: 'Instead of a path, for the command line: the folder of the train split.',
      advanced: true,
      default: '',
    },
    val_dir: {
      type: 'string',
      title: 'Validation folder',
      help: 'For the command line: the folder of the validation split.',
      advanced: true,
      default: '',
    },
    test_dir: {
      type: 'string',
      title: 'Test folder',
      help: 'For the command line: the folder of the test split.',
      advanced: true,
      default: '',
    },
    split: {
      type: 'object',
      title: 'Split',
      help: 'How images are divided into train, validation and test.',
      advanced: true,
      fields: {
        source: {
          type: 'choice',
          title: 'Split by',
          help: 'Folders named train, val and test, or fractions of the whole.',
          default: 'auto',
          options: [
            { value: 'auto', title: 'Automatic', help: 'The folders where they exist, else fractions.' },
            { value: 'folders', title: 'Folders' },
            { value: 'fractions', title: 'Fractions' },
          ],
        },
        val: {
          type: 'number',
          title: 'Validation share',
          help: 'Share of the images that choose the best checkpoint.',
          default: 0.15,
          minimum: 0,
          maximum: 0.9,
          step: 0.05,
        },
        test: {
          type: 'number',
          title: 'Test share',
          help: 'Share of the images that training never sees in any way; the honest score comes from them.',
          default: 0.15,
          minimum: 0,
          maximum: 0.9,
          step: 0.05,
        },
        stratified: {
          type: 'boolean',
          title: 'Same mix of classes in each split',
          help: 'Stratified split: each class is divided by the same shares.',
          default: true,
        },
      },
    },
  },
} as const satisfies Fields[string];
