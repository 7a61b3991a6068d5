// The whole config.ts of a model whose only settings are dropout before the classifier and, with shortcuts, stochastic depth.

import type { Preset } from '$lib/core/schema';
import { dropPathField, dropoutField } from './fields';

/** `dropout`: the rate that its authors trained with; 'medium' uses it when it is not 0. */
export function regularised({ dropout }: { dropout: number }) {
  const fields = { dropout: dropoutField(dropout), drop_path: dropPathField(0) } as const;
  const presets: readonly Preset[] = [
    {
      id: 'easy',
      title: 'Easy',
      help: 'No regularisation: plenty of images, or pretrained weights and few epochs.',
      values: { dropout: 0, drop_path: 0 },
    },
    {
      id: 'medium',
      title: 'Medium',
      help: 'Some dropout: a few hundred images a class.',
      values: { dropout: dropout === 0 ? 0.2 : dropout, drop_path: 0 },
    },
    {
      id: 'advanced',
      title: 'Advanced',
      help: 'Dropout and stochastic depth: long runs on few images.',
      values: { dropout: 0.3, drop_path: 0.1 },
    },
  ];
  return { fields, presets };
}

/** For a net without shortcuts. */
export function dropoutOnly({ dropout }: { dropout: number }) {
  const fields = { dropout: dropoutField(dropout) } as const;
  const presets: readonly Preset[] = [
    {
      id: 'easy',
      title: 'Easy',
      help: 'No dropout: plenty of images, or pretrained weights and few epochs.',
      values: { dropout: 0 },
    },
    { id: 'medium', title: 'Medium', help: 'Some dropout: a few hundred images a class.', values: { dropout: 0.2 } },
    { id: 'advanced', title: 'Advanced', help: 'Much dropout: long runs on few images.', values: { dropout: 0.5 } },
  ];
  return { fields, presets };
}
