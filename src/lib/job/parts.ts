// What a job document is about, before it is checked: its task and its model, which decide the fields it may have.

import { TrainyardError } from '$lib/core/errors';
import { getPath } from '$lib/core/path';
import type { Problem } from '$lib/core/schema';
import { didYouMean } from '$lib/core/suggest';
import type { ModelEntry } from '$lib/models/contract';
import { IMPORTED, importedEntry } from '$lib/models/imported';
import type { TaskMeta } from '$lib/tasks/contract';
import type { JobData } from './resolve';
import type { JobCatalog } from './schema';

/** The task and model that a document names, or gets by default. What it names and does not exist is added to `problems`. */
export function jobParts(
  document: unknown,
  catalog: JobCatalog & { data?: JobData },
  problems: Problem[] = [],
): { task: TaskMeta; model: ModelEntry } {
  // Where none is named, the first that reads the data's annotations.
  const usual = catalog.tasks.find(({ annotations }) => annotations === catalog.data?.annotations) ?? catalog.tasks[0];
  const task = find(catalog.tasks, ({ id }) => id, getPath(document, 'task'), 'task', problems) ?? usual;
  const name = getPath(document, 'model.name');
  const weights = getPath(document, 'model.weights');
  if (name === IMPORTED) return { task, model: importedEntry(catalog.imported?.(String(weights))) };
  return { task, model: findModel(catalog, task, name, problems) };
}

function find<Entry>(
  entries: readonly Entry[],
  idOf: (entry: Entry) => string,
  name: unknown,
  path: string,
  problems: Problem[],
): Entry | undefined {
  if (name === undefined) return undefined;
  const entry = entries.find((candidate) => idOf(candidate) === name);
  if (entry === undefined) {
    const what = path === 'task' ? 'task' : 'model';
    const known = didYouMean(typeof name === 'string' ? name : '', entries.map(idOf));
    problems.push({ path, message: `There is no ${what} ${JSON.stringify(name)}; ${known}` });
  }
  return entry;
}

/** The smallest model of the task where none is named: the one that is quickest to a first answer. */
function findModel(catalog: JobCatalog, task: TaskMeta, name: unknown, problems: Problem[]): ModelEntry {
  const found = find(catalog.models, ({ meta }) => meta.id, name, 'model.name', problems);
  if (found !== undefined) return found;
  const able = catalog.models.filter(({ meta }) => meta.tasks.includes(task.models));
  const [smallest] = able.toSorted((a, b) => a.meta.parameters - b.meta.parameters);
  if (smallest === undefined) throw new TrainyardError('no-model', `No model is registered for ${task.title}.`);
  return smallest;
}
