// What can be set about mobilenetv1_025.

import type { ModelConfigSchema } from '$lib/models/contract';
import { regularised } from '$lib/models/regularised';

const config = regularised({ dropout: 0 });

export const { fields } = config;

export default config satisfies ModelConfigSchema;
