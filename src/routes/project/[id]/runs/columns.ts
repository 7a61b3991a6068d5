// The columns of the runs' table: which there are, and which the person wants. Cells are drawn by the page.
import { formatSignificant } from '$lib/core/format';
import type { RunRecord } from '$lib/storage/records';

const NAME = 'trainyard:runs-columns';

/** As ui/Table takes it. */
export interface RunColumn {
  id: string;
  title: string;
  help?: string;
  align?: 'left' | 'right';
  width?: string;
  sort?: (run: RunRecord) => number | string | null;
}

/** Columns whose cell is one setting of the job. */
const SETTINGS: Readonly<Record<string, (run: RunRecord) => number | string>> = {
  optimizer: ({ job }) => job.optimizer.name,
  rate: ({ job }) => job.optimizer.learning_rate,
  batch: ({ job }) => job.training.batch_size,
  size: ({ job }) => job.preprocess.image_size,
  schedule: ({ job }) => job.scheduler.name,
  loss: ({ job }) => job.loss.name,
  seed: ({ job }) => job.seed,
};

export const RUN_COLUMNS: readonly RunColumn[] = [
  { id: 'name', title: 'Run', sort: (run) => run.name.toLowerCase() },
  { id: 'status', title: 'Status', sort: (run) => run.status },
  { id: 'model', title: 'Model', sort: (run) => run.job.model.name },
  {
    id: 'best',
    title: 'Best',
    help: 'Of all epochs, on the validation images.',
    align: 'right',
    sort: (run) => run.best?.value ?? null,
  },
  { id: 'test', title: 'Held out', help: 'On images that were not trained on, after training.', align: 'right' },
  { id: 'curve', title: 'Curve', help: 'The same metric, epoch by epoch.' },
  { id: 'epochs', title: 'Epochs', align: 'right', sort: (run) => run.epochsDone },
  { id: 'time', title: 'Time', align: 'right' },
  { id: 'device', title: 'Device', sort: (run) => run.device?.backend ?? null },
  { id: 'started', title: 'Started', align: 'right', sort: (run) => run.createdAt },
  { id: 'optimizer', title: 'Optimiser', sort: SETTINGS.optimizer },
  { id: 'rate', title: 'Learning rate', align: 'right', sort: SETTINGS.rate },
  { id: 'batch', title: 'Batch', help: 'Images in a step.', align: 'right', sort: SETTINGS.batch },
  { id: 'size', title: 'Image size', align: 'right', sort: SETTINGS.size },
  { id: 'schedule', title: 'Schedule', sort: SETTINGS.schedule },
  { id: 'loss', title: 'Loss', sort: SETTINGS.loss },
  { id: 'seed', title: 'Seed', align: 'right', sort: SETTINGS.seed },
];

const FIRST = ['name', 'status', 'model', 'best', 'curve', 'epochs', 'time', 'device', 'started'];

export function settingText(run: RunRecord, column: string): string {
  const value = Object.hasOwn(SETTINGS, column) ? SETTINGS[column](run) : '';
  return typeof value === 'number' && !Number.isInteger(value) ? formatSignificant(value) : String(value);
}

/** Those that were chosen last; a browser that keeps nothing has the first ones. */
export function chosenColumns(): readonly string[] {
  try {
    const kept = localStorage.getItem(NAME)?.split(',') ?? [];
    const known = kept.filter((id) => RUN_COLUMNS.some((column) => column.id === id));
    return known.length === 0 ? FIRST : known;
  } catch {
    return FIRST;
  }
}

/** The name always stays: it is the link to the run. */
export function keepColumns(ids: readonly string[]): readonly string[] {
  const kept = [...new Set(['name', ...ids])];
  try {
    localStorage.setItem(NAME, kept.join(','));
  } catch {
    // They hold for this page.
  }
  return kept;
}
