// What can be set about tiny-cnn.

import type { Fields } from '$lib/core/schema';
import type { ModelConfigSchema } from '$lib/models/contract';
import { dropoutField } from '$lib/models/fields';

export const fields = {
  width: {
    type: 'number',
    title: 'Width',
    help: 'Multiplies the channels of every layer (rounded to multiples of 8); twice the width is about four times the work.',
    group: 'Architecture',
    default: 1,
    minimum: 0.25,
    maximum: 4,
    step: 0.25,
  },
  dropout: dropoutField(0.2),
} as const satisfies Fields;

const config: ModelConfigSchema = {
  fields,
  presets: [
    {
      id: 'easy',
      title: 'Easy',
      help: 'Half the channels: clear-cut classes, fastest.',
      values: { width: 0.5, dropout: 0.1 },
    },
    { id: 'medium', title: 'Medium', help: 'The network as designed.', values: { width: 1, dropout: 0.2 } },
    {
      id: 'advanced',
      title: 'Advanced',
      help: 'Twice the channels: many or similar classes.',
      values: { width: 2, dropout: 0.3 },
    },
  ],
};

export default config;
