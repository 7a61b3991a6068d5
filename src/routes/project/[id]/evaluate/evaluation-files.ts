// An evaluation's files to take away, the same as the command line writes. Failures become toasts: the menu is closed by then.
import { serializeError } from '$lib/core/errors';
import type { App } from '$lib/state/app.svelte';
import { getImageResults } from '$lib/storage/evaluations';
import type { EvaluationRecord } from '$lib/storage/records';
import { downloadText } from '$lib/ui/download';
import { toasts } from '$lib/ui/toasts.svelte';

function fail(error: unknown): void {
  const { message, hint } = serializeError(error);
  toasts.show({ tone: 'bad', text: message, detail: hint });
}

export async function saveEvaluation(evaluation: EvaluationRecord): Promise<void> {
  try {
    const { evaluationJson } = await import('$lib/evaluation/evaluation-json');
    downloadText(`${JSON.stringify(evaluationJson(evaluation), null, 2)}\n`, 'evaluation.json', 'application/json');
  } catch (error) {
    fail(error);
  }
}

export async function savePredictions(app: App, taskId: string, evaluation: EvaluationRecord): Promise<void> {
  try {
    const [{ getTask }, images] = await Promise.all([
      import('$lib/tasks/registry'),
      app.database().then((database) => getImageResults(database, evaluation.id)),
    ]);
    downloadText(getTask(taskId).predictionsCsv(images, evaluation.result.classes), 'predictions.csv', 'text/csv');
  } catch (error) {
    fail(error);
  }
}
