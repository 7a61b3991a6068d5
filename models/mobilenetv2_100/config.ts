// What can be set about mobilenetv2_100.

import type { Fields } from '$lib/core/schema';
import type { ModelConfigSchema } from '$lib/models/contract';
import { dropPathField, dropoutField } from '$lib/models/fields';

export const fields = { dropout: dropoutField(0.2), drop_path: dropPathField(0) } as const satisfies Fields;

const config: ModelConfigSchema = {
  fields,
  presets: [
    { id: 'easy', title: 'Easy', help: 'No regularisation: plenty of images.', values: { dropout: 0, drop_path: 0 } },
    { id: 'medium', title: 'Medium', help: 'Dropout as the paper trained it.', values: { dropout: 0.2, drop_path: 0 } },
    {
      id: 'advanced',
      title: 'Advanced',
      help: 'Dropout and stochastic depth: long runs on few images.',
      values: { dropout: 0.3, drop_path: 0.2 },
    },
  ],
};

export default config;
