// What a project needs next, as one sentence and one button. Pure: the overview, and only it, decides how it looks.
import { formatPlural } from '$lib/core/format';

export interface ProjectSituation {
  images: number;
  classes: number;
  importing: boolean;
  /** Name and id of the run that goes on now. */
  training: { id: string; name: string } | null;
  /** Ended runs that have weights, newest first. */
  trained: readonly { id: string; name: string }[];
  /** The newest run with a held-out result. */
  evaluated: { id: string; name: string; result: string; beatsBaseline: boolean } | null;
  /** Problems of the data that ask for a decision. */
  warnings: number;
}

export interface NextStep {
  id: 'import' | 'wait' | 'train' | 'watch' | 'evaluate' | 'improve' | 'export';
  sentence: string;
  action: string;
  runId?: string;
}

export function nextStep(situation: ProjectSituation): NextStep {
  const { images, classes, importing, training, trained, evaluated, warnings } = situation;
  if (importing) return { id: 'wait', sentence: 'Images are being imported.', action: 'Watch the import' };
  if (images === 0) {
    return { id: 'import', sentence: 'Bring in images, one folder for each class.', action: 'Import images' };
  }
  const data = `${formatPlural(images, 'image')} in ${formatPlural(classes, 'class', 'classes')}`;
  if (training) {
    return { id: 'watch', sentence: `${training.name} is training.`, action: 'Watch the run', runId: training.id };
  }
  if (evaluated) {
    const { id, name, result, beatsBaseline } = evaluated;
    return beatsBaseline
      ? {
          id: 'export',
          sentence: `${name} reaches ${result} on held-out images.`,
          action: 'Export the model',
          runId: id,
        }
      : {
          id: 'improve',
          sentence: `${name} reaches ${result}, no better than always saying the most frequent class.`,
          action: 'See its mistakes',
          runId: id,
        };
  }
  const [last] = trained;
  if (last) {
    return {
      id: 'evaluate',
      sentence: `${last.name} is trained but was not tested on held-out images.`,
      action: 'Evaluate the model',
      runId: last.id,
    };
  }
  const open = warnings > 0 ? ' Look at the open problems first, or train right away.' : '';
  return { id: 'train', sentence: `${data}. Train a first model.${open}`, action: 'Train a model' };
}
