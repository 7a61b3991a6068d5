// What can be set about squeezenet1_1.

import type { Fields } from '$lib/core/schema';
import type { ModelConfigSchema } from '$lib/models/contract';
import { dropoutField } from '$lib/models/fields';

export const fields = { dropout: dropoutField(0.5) } as const satisfies Fields;

const config: ModelConfigSchema = {
  fields,
  presets: [
    { id: 'easy', title: 'Easy', help: 'No dropout: pretrained weights and few epochs.', values: { dropout: 0 } },
    { id: 'medium', title: 'Medium', help: 'Some dropout: a few hundred images a class.', values: { dropout: 0.2 } },
    {
      id: 'advanced',
      title: 'Advanced',
      help: 'Dropout as the paper trained it: long runs.',
      values: { dropout: 0.5 },
    },
  ],
};

export default config;
