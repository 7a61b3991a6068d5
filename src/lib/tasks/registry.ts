// The tasks with their code. The page has their data alone, from catalog.ts.

import { TrainyardError } from '$lib/core/errors';
import { didYouMean } from '$lib/core/suggest';
import { classification } from './classification';
import type { Task } from './contract';
import { multiLabel } from './multi-label';

const REGISTERED: readonly Task[] = [classification, multiLabel];

/** Throws 'unknown-task'. */
export function getTask(id: string): Task {
  const task = REGISTERED.find((candidate) => candidate.id === id);
  if (task !== undefined) return task;
  const known = didYouMean(
    id,
    REGISTERED.map((candidate) => candidate.id),
  );
  throw new TrainyardError('unknown-task', `There is no task "${id}"; ${known}`, 'Choose a task that exists.');
}
