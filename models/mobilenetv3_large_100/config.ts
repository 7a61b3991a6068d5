// What can be set about mobilenetv3_large_100.

import type { ModelConfigSchema } from '$lib/models/contract';
import { regularised } from '$lib/models/regularised';

const config = regularised({ dropout: 0.2 });

export const { fields } = config;

export default config satisfies ModelConfigSchema;
