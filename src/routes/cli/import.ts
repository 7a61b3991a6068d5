// Data of this computer made a project of the command line's database.

import type { Job } from '$lib/job/job';
import type { Clients } from '$lib/rpc/client';
import type { ImportSource, ImportSummary } from '$lib/data/contract';
import type { SplitSettings } from '$lib/storage/records';
import { tell } from './output';

/** Lines about duplicates and small classes; thousands would bury the rest. */
const LATE_PROBLEMS = 50;

export async function importData(
  clients: Clients,
  source: ImportSource,
  projectName: string,
  split: SplitSettings,
): Promise<ImportSummary> {
  const summary = await clients.data.api.import(
    { taskId: crypto.randomUUID(), projectId: null, projectName, source, split, thumbnails: false },
    (event) => tell('import', event),
  );
  tellImported(summary);
  return summary;
}

/** As the job asks for it. */
export function splitOf({ data: { split }, seed }: Job): SplitSettings {
  const { source, val, test, stratified } = split;
  return { source: source === 'fractions' ? 'fractions' : 'folders', val, test, stratified, seed };
}

/** Problems of single files were told while they were read; those of the whole (duplicates, small classes) come now. */
function tellImported(summary: ImportSummary): void {
  const { problems, notices } = summary;
  for (const message of notices) tell('notice', { type: 'notice', message });
  const late = problems.filter(({ kind }) => kind === 'duplicate' || kind === 'small-class');
  for (const problem of late.slice(0, LATE_PROBLEMS)) tell('import', { type: 'problem', problem });
  if (late.length > LATE_PROBLEMS) {
    const message = `${late.length - LATE_PROBLEMS} more duplicates and small classes are not listed.`;
    tell('notice', { type: 'notice', message });
  }
  tell('import', { type: 'done', ...summary, problems: [] });
}
