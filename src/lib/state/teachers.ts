// The runs of a project whose answers another run on the same classes could learn from (job.distillation).
import { formatPercent } from '$lib/core/format';
import type { Database } from '$lib/storage/database';
import type { RunRecord } from '$lib/storage/records';
import { listRuns } from '$lib/storage/runs';

export async function teachersOf(
  database: Database,
  projectId: string,
  to: { task: string; classes: readonly string[] },
): Promise<{ id: string; name: string }[]> {
  return (await listRuns(database, projectId)).filter((run) => canTeach(run, to)).map(teacher);
}

/** As training/teacher.ts wants it: the same task and classes, whatever their order, and something learnt. */
export function canTeach(
  run: Pick<RunRecord, 'job' | 'classes' | 'epochsDone'>,
  { task, classes }: { task: string; classes: readonly string[] },
): boolean {
  const same = run.classes.length === classes.length && run.classes.every((name) => classes.includes(name));
  return run.epochsDone > 0 && run.job.task === task && same;
}

function teacher({ id, name, best }: RunRecord): { id: string; name: string } {
  if (best === null || best.metric.endsWith('loss')) return { id, name };
  return { id, name: `${name} (${formatPercent(best.value)})` };
}
