// A run's curves as the series that charts draw. Which metrics there are is the task's to say; nothing here draws.
import type { TaskMeta } from '$lib/tasks/contract';
import type { Mark, Series } from '$lib/ui/charts/series';
import { metricInfo, metricTitle } from './metrics';
import type { RunCurves } from './run-curves';

/** Token colours: a split has one everywhere. */
const TRAIN_COLOR = 'var(--class-0)';
const VAL_COLOR = 'var(--class-1)';

/** Up to this many values each gets a point; more would be a string of beads. */
const POINTS_UP_TO = 40;

function points(x: readonly number[]): boolean {
  return x.length <= POINTS_UP_TO;
}

/** Loss by step (pale) with the means by epoch over it: training and validation. */
export function lossSeries(curves: RunCurves): Series[] {
  const train = curves.metric('train_loss');
  const val = curves.metric('val_loss');
  const steps = { x: curves.steps.values('epoch'), y: curves.steps.values('loss') };
  // Before an epoch has ended there is nothing that the moments could be pale beside.
  if (train.x.length === 0) return [{ id: 'steps', label: 'training', color: TRAIN_COLOR, ...steps }];
  return [
    { id: 'moments', label: 'each moment', color: TRAIN_COLOR, faint: true, ...steps },
    { id: 'train', label: 'training', color: TRAIN_COLOR, ...train, points: points(train.x) },
    ...(val.x.length > 0 ? [{ id: 'val', label: 'validation', color: VAL_COLOR, ...val, points: points(val.x) }] : []),
  ];
}

/** Names of the metrics with curves of their own, the deciding one first; losses are in the loss chart. */
export function metricChoices(curves: RunCurves, task: TaskMeta, deciding: string): string[] {
  const names = curves.metricNames().filter((name) => !name.endsWith('loss') && metricInfo(task, name) !== undefined);
  return names.sort((a, b) => Number(b === deciding) - Number(a === deciding));
}

/** One metric by epoch; ratios as per cent. */
export function metricSeries(curves: RunCurves, task: TaskMeta, name: string): Series[] {
  const { x, y } = curves.metric(name);
  const scale = isRatio(task, name) ? 100 : 1;
  const label = metricTitle(task, name);
  return [{ id: name, label, color: VAL_COLOR, x, y: y.map((value) => value * scale), points: points(x) }];
}

export function isRatio(task: TaskMeta, name: string): boolean {
  return metricInfo(task, name)?.format === 'ratio';
}

/** Of a run whose epochs take less than the second between two stored moments there are more epochs than moments. */
function isQuick({ epochs, steps }: RunCurves): boolean {
  return epochs.length > steps.length;
}

/** By step; of a quick run by epoch, at its end. */
export function rateSeries(curves: RunCurves): Series[] {
  const { epochs, steps } = curves;
  const line = isQuick(curves)
    ? { x: epochs.map(({ epoch }) => epoch), y: epochs.map(({ learningRate }) => learningRate) }
    : { x: steps.values('epoch'), y: steps.values('learningRate') };
  return [{ id: 'rate', label: 'learning rate', color: TRAIN_COLOR, ...line }];
}

/** Images a second of the steps; of a quick run of whole epochs, validation included. */
export function throughputSeries(curves: RunCurves): Series[] {
  const { epochs, started, steps } = curves;
  const images = started?.images.train ?? 0;
  const timed = epochs.filter(({ seconds }) => seconds > 0);
  const line = isQuick(curves)
    ? { x: timed.map(({ epoch }) => epoch), y: timed.map(({ seconds }) => images / seconds) }
    : { x: steps.values('epoch'), y: steps.values('imagesPerSecond') };
  return [{ id: 'throughput', label: 'images a second', color: 'var(--class-2)', ...line }];
}

/** The best epoch and where the run went on after an interruption. */
export function runMarks(curves: RunCurves): Mark[] {
  const best = curves.best();
  const perEpoch = curves.started?.stepsPerEpoch ?? 1;
  return [
    ...curves.resumes.map((step) => ({ x: step / perEpoch, label: 'resumed' })),
    ...(best ? [{ x: best.at.epoch, label: `best ${best.epoch}`, strong: true }] : []),
  ];
}
