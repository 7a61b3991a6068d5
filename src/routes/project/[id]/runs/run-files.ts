// A run's files to take away; all but the log are the same as the command line writes.
import { serializeError } from '$lib/core/errors';
import type { App } from '$lib/state/app.svelte';
import type { RunRecord } from '$lib/storage/records';
import { readEvents } from '$lib/storage/runs';
import { download, downloadText } from '$lib/ui/download';
import { toasts } from '$lib/ui/toasts.svelte';

export type RunFile = 'job' | 'history' | 'log' | 'tensorboard' | 'mlflow';

/** Never rejects: what went wrong is a toast, as the menu that was used is closed by then. */
export async function saveRunFile(app: App, run: RunRecord, file: RunFile): Promise<void> {
  try {
    if (file === 'job') {
      downloadText(`${JSON.stringify(run.job, null, 2)}\n`, 'job.json', 'application/json');
      return;
    }
    const records = await readEvents(await app.database(), run.id);
    if (file === 'log') {
      const { logJson } = await import('$lib/state/run-log');
      downloadText(logJson(records), 'log.jsonl', 'application/jsonl');
      return;
    }
    if (file === 'tensorboard') {
      const { tensorboardFile } = await import('$lib/evaluation/tensorboard');
      const { path, blob } = tensorboardFile(run, records);
      download(blob, path);
      return;
    }
    if (file === 'mlflow') {
      const [{ mlflowFiles }, { default: JSZip }] = await Promise.all([
        import('$lib/evaluation/mlflow'),
        import('jszip'),
      ]);
      const zip = new JSZip();
      for (const { path, blob } of mlflowFiles(run, records)) zip.file(`mlruns/${path}`, blob);
      download(await zip.generateAsync({ type: 'blob', compression: 'DEFLATE' }), 'mlruns.zip');
      return;
    }
    const { historyCsv } = await import('$lib/evaluation/history');
    downloadText(historyCsv(records.map(({ event }) => event)), 'history.csv', 'text/csv');
  } catch (error) {
    const { message, hint } = serializeError(error);
    toasts.show({ tone: 'bad', text: message, detail: hint });
  }
}
