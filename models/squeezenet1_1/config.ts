// What can be set about squeezenet1_1.

import type { ModelConfigSchema } from '$lib/models/contract';
import { dropoutOnly } from '$lib/models/regularised';

const config = dropoutOnly({ dropout: 0.5 });

export const { fields } = config;

export default config satisfies ModelConfigSchema;
