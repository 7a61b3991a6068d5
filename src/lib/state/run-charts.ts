// A run's curves as the series that charts draw. Which metrics there are is the task's to say; nothing here draws.
import { formatNumber } from '$lib/core/format';
import { nearestIndex } from '$lib/core/nearest';
import type { CheckpointSlot } from '$lib/storage/records';
import type { TaskMeta } from '$lib/tasks/contract';
import type { Mark, Series } from '$lib/ui/charts/series';
import { metricInfo, metricTitle } from './metrics';
import type { Axis, RunCurves } from './run-curves';

/** Token colours: a split has one everywhere. */
const TRAIN_COLOR = 'var(--class-0)';
const VAL_COLOR = 'var(--class-1)';

/** Up to this many values each gets a point; more would be a string of beads. */
const POINTS_UP_TO = 40;

export const AXES: readonly { value: Axis; title: string; label: string }[] = [
  { value: 'epoch', title: 'Epochs', label: 'epoch' },
  { value: 'step', title: 'Steps', label: 'step' },
  { value: 'seconds', title: 'Training time', label: 'time' },
];

/** '12', '2.5'; '1,200'; '4:05'. */
export function formatAt(axis: Axis, value: number): string {
  if (axis === 'step') return formatNumber(value, 0);
  if (axis === 'epoch') return String(Number(value.toFixed(2)));
  const two = (part: number) => String(part).padStart(2, '0');
  const whole = Math.round(value);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

function points(x: readonly number[]): boolean {
  return x.length <= POINTS_UP_TO;
}

/**
 * Loss by step (pale) with the means by epoch over it: training and validation. Where curves are smoothed anyway, the smoothed moments
 * are the training curve.
 */
export function lossSeries(curves: RunCurves, axis: Axis = 'epoch', smooth = false): Series[] {
  const train = curves.metric('train_loss', axis);
  const val = curves.metric('val_loss', axis);
  const steps = { x: curves.steps.values(axis), y: curves.steps.values('loss') };
  const vals: Series[] =
    val.x.length > 0 ? [{ id: 'val', label: 'validation', color: VAL_COLOR, ...val, points: points(val.x) }] : [];
  // Before an epoch has ended there is nothing that the moments could be pale beside.
  if (train.x.length === 0 || (smooth && !isQuick(curves))) {
    return [{ id: 'steps', label: 'training', color: TRAIN_COLOR, ...steps }, ...vals];
  }
  return [
    { id: 'moments', label: 'each moment', color: TRAIN_COLOR, faint: true, ...steps },
    { id: 'train', label: 'training', color: TRAIN_COLOR, ...train, points: points(train.x) },
    ...vals,
  ];
}

/** Names of the metrics with curves of their own, the deciding one first; losses are in the loss chart. */
export function metricChoices(curves: RunCurves, task: TaskMeta, deciding: string): string[] {
  const names = curves.metricNames().filter((name) => !name.endsWith('loss') && metricInfo(task, name) !== undefined);
  return names.sort((a, b) => Number(b === deciding) - Number(a === deciding));
}

/** One metric by epoch; ratios as per cent. */
export function metricSeries(curves: RunCurves, task: TaskMeta, name: string, axis: Axis = 'epoch'): Series[] {
  const { x, y } = curves.metric(name, axis);
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

function wholeEpochs(curves: RunCurves) {
  return curves.validations.filter(({ within }) => within !== true);
}

/** By step; of a quick run by epoch, at its end. */
export function rateSeries(curves: RunCurves, axis: Axis = 'epoch'): Series[] {
  const { steps } = curves;
  const epochs = wholeEpochs(curves);
  const line = isQuick(curves)
    ? { x: epochs.map(({ at }) => at[axis]), y: epochs.map(({ learningRate }) => learningRate) }
    : { x: steps.values(axis), y: steps.values('learningRate') };
  return [{ id: 'rate', label: 'learning rate', color: TRAIN_COLOR, plain: true, ...line }];
}

/** Images a second of the steps; of a quick run of whole epochs, validation included. */
export function throughputSeries(curves: RunCurves, axis: Axis = 'epoch'): Series[] {
  const { started, steps } = curves;
  const images = started?.images.train ?? 0;
  const timed = wholeEpochs(curves).filter(({ seconds }) => seconds > 0);
  const line = isQuick(curves)
    ? { x: timed.map(({ at }) => at[axis]), y: timed.map(({ seconds }) => images / seconds) }
    : { x: steps.values(axis), y: steps.values('imagesPerSecond') };
  return [{ id: 'throughput', label: 'images a second', color: 'var(--class-2)', ...line }];
}

/** Where a step is on an axis; of time, where the nearest moment is that is known. */
function placeOf({ started, steps }: RunCurves, step: number, axis: Axis): number {
  if (axis === 'step') return step;
  if (axis === 'epoch') return step / (started?.stepsPerEpoch ?? 1);
  return steps.values('seconds')[nearestIndex(steps.values('step'), step)] ?? 0;
}

/** The best validation, where the run went on after an interruption, and the checkpoints that are still there. */
export function runMarks(curves: RunCurves, axis: Axis = 'epoch', kept: readonly CheckpointSlot[] = []): Mark[] {
  const best = curves.best();
  const left = new Set(kept);
  const checkpoints = curves.checkpoints.toReversed().flatMap(({ kind, slot = kind, step }): Mark[] => {
    // The newest of a name is the one that is there.
    return left.delete(slot) ? [{ x: placeOf(curves, step, axis), label: slot, small: true }] : [];
  });
  return [
    ...checkpoints,
    ...curves.resumes.map((step) => ({ x: placeOf(curves, step, axis), label: 'resumed' })),
    ...(best ? [{ x: best.at[axis], label: `best ${formatAt('epoch', best.at.epoch)}`, strong: true }] : []),
  ];
}
