// What can be set about mobilenetv1_100.

import type { ModelConfigSchema } from '$lib/models/contract';
import { dropoutOnly } from '$lib/models/regularised';

const config = dropoutOnly({ dropout: 0 });

export const { fields } = config;

export default config satisfies ModelConfigSchema;
