// "Try a sample", whole: generated images, default settings, a run. One click. Loaded when it is pressed.
import { deserializeError } from '$lib/core/errors';
import { SAMPLE_DEFAULTS } from '$lib/data/sample';
import { parseJob } from '$lib/job/parse';
import { summarizeData } from '$lib/job/resolve';
import { SAMPLE_JOB } from '$lib/job/sample';
import { getVersion } from '$lib/storage/datasets';
import type { App } from './app.svelte';
import { loadCatalog } from './catalog';
import { DEFAULT_SPLIT } from './imports.svelte';

/** Resolves once the run trains; null when the import was cancelled. Rejects with what went wrong. */
export async function trySample(app: App): Promise<{ projectId: string; runId: string } | null> {
  const { ended } = app.imports.start({
    projectId: null,
    projectName: 'Sample shapes',
    source: SAMPLE_DEFAULTS,
    split: { ...DEFAULT_SPLIT, source: 'fractions' },
  });
  const done = await ended;
  if (done.error !== null) throw deserializeError({ badInput: false, ...done.error });
  if (done.summary === null) return null;
  const { projectId, versionId } = done.summary;
  const version = await getVersion(await app.database(), versionId);
  const { job } = parseJob(SAMPLE_JOB, { ...(await loadCatalog()), data: summarizeData(version) });
  const runId = await app.runs.start({ projectId, versionId, job, name: 'tiny-cnn 1' });
  return { projectId, runId };
}
