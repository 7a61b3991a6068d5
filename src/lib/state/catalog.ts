// Models and tasks for forms and jobs, loaded when first wanted: the first page does not need them.
import type { JobCatalog } from '$lib/job/schema';

export async function loadCatalog(): Promise<JobCatalog> {
  const [{ MODELS }, { TASKS }] = await Promise.all([import('$lib/models/registry'), import('$lib/tasks/catalog')]);
  return { models: MODELS, tasks: TASKS };
}
