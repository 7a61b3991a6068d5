// Reads a plugin's own settings with their types; what the form and the job file check, builders check again here.

import { TrainyardError } from '$lib/core/errors';
import type { Fields } from '$lib/core/schema';
import { validate } from '$lib/core/validate';
import type { ValuesOf } from '$lib/core/validate';
import type { ModelConfig } from './contract';

/** The settings with defaults filled in. Throws `model-config` naming every problem. */
export function readSettings<F extends Fields>(fields: F, config: ModelConfig, model: string): ValuesOf<F> {
  const { value, problems } = validate(fields, config);
  if (problems.length > 0) {
    throw new TrainyardError(
      'model-config',
      `The settings of model "${model}" do not fit: ${problems.map(({ path, message }) => `${path}: ${message}`).join(' ')}`,
      'Correct these values or leave them out to get the defaults.',
    );
  }
  return value;
}
