// Where a run's time and memory go and how its layers move, as the series that charts draw. Pure.
import type { Series } from '$lib/ui/charts/series';
import type { Axis, RunCurves } from './run-curves';
import type { NormKind } from './run-norms';

/** More bars than this are thinner than the space between them on a laptop. */
const BARS = 48;

const PARTS = [
  { id: 'compute', label: 'computing', color: 'var(--class-0)' },
  { id: 'upload', label: 'handing over', color: 'var(--class-2)' },
  { id: 'read', label: 'reading back', color: 'var(--class-4)' },
  { id: 'data', label: 'waiting for data', color: 'var(--class-1)' },
] as const;

/** Milliseconds a step by part, as means over at most BARS stretches of the run; to be stacked. */
export function timingSeries({ timing }: RunCurves, axis: Axis = 'epoch'): Series[] {
  const stretches = Math.min(BARS, timing.length);
  const x = means(timing.values(axis), stretches);
  return PARTS.map((part) => ({ ...part, x, y: means(timing.values(part.id), stretches) }));
}

/** Share of the time of all steps in which the device had nothing to do but wait for images; null before the first. */
export function waitingShare({ timing }: RunCurves): number | null {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const total = PARTS.reduce((all, { id }) => all + sum(timing.values(id)), 0);
  return total > 0 ? sum(timing.values('data')) / total : null;
}

/** Means of `count` stretches of equal length. */
function means(values: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const part = values.slice(
      Math.floor((index * values.length) / count),
      Math.floor(((index + 1) * values.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** Bytes on the device, and what it grants where it says. */
export function memorySeries({ steps, memory }: RunCurves, axis: Axis = 'epoch'): Series[] {
  const x = steps.values(axis);
  const used: Series = {
    id: 'memory',
    label: 'used',
    color: 'var(--class-0)',
    plain: true,
    x,
    y: steps.values('memoryBytes'),
  };
  const granted = memory?.granted ?? null;
  if (granted === null) return [used];
  const limit: Series = {
    id: 'granted',
    label: 'granted',
    color: 'var(--class-1)',
    plain: true,
    dashed: true,
    x,
    y: x.map(() => granted),
  };
  return [used, limit];
}

/** One curve for each of the layers, in colours by their place. */
export function normSeries(
  { norms }: RunCurves,
  kind: NormKind,
  layers: readonly string[],
  colorOf: (index: number) => string,
  axis: Axis = 'epoch',
): Series[] {
  return layers.map((name, index) => ({
    id: name,
    label: name,
    color: colorOf(index),
    dashed: index % 2 === 1,
    ...norms.curve(name, kind, axis),
  }));
}
