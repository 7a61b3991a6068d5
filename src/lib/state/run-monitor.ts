// Where a run's time and memory go and how its layers move, as the series that charts draw. Pure.
import { formatBytes } from '$lib/core/format';
import type { Series } from '$lib/ui/charts/series';
import type { Axis, EventOf, RunCurves } from './run-curves';
import type { NormKind } from './run-norms';

/** More bars than this are thinner than the space between them on a laptop. */
const BARS = 48;

const PARTS = [
  { id: 'compute', label: 'computing', color: 'var(--class-0)' },
  { id: 'upload', label: 'handing over', color: 'var(--class-2)' },
  { id: 'read', label: 'reading back', color: 'var(--class-4)' },
  { id: 'data', label: 'waiting for data', color: 'var(--class-1)' },
] as const;

/** Milliseconds a step by part, as means over stretches of equal length, at most BARS of them; to be stacked. */
export function timingSeries({ timing }: RunCurves, axis: Axis = 'epoch'): Series[] {
  const at = timing.values(axis);
  const [first = 0, last = 0] = [at.at(0), at.at(-1)];
  const stretches = Math.min(BARS, at.length);
  const length = (last - first) / stretches;
  const stretchOf = at.map((x) => Math.min(stretches - 1, Math.floor((x - first) / (length || 1))));
  const x = Array.from({ length: stretches }, (_, stretch) => first + (stretch + 0.5) * length);
  return PARTS.map((part) => ({ ...part, x, y: means(timing.values(part.id), stretchOf, stretches) }));
}

/** Share of the time of all steps in which the device had nothing to do but wait for images; null before the first. */
export function waitingShare({ timing }: RunCurves): number | null {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const total = PARTS.reduce((all, { id }) => all + sum(timing.values(id)), 0);
  return total > 0 ? sum(timing.values('data')) / total : null;
}

/** Null where nothing was told of a stretch: the run was validating. */
function means(values: readonly number[], stretchOf: readonly number[], stretches: number): (number | null)[] {
  const sums = new Array<number>(stretches).fill(0);
  const counts = new Array<number>(stretches).fill(0);
  values.forEach((value, row) => {
    sums[stretchOf[row]] += value;
    counts[stretchOf[row]]++;
  });
  return sums.map((sum, stretch) => (counts[stretch] === 0 ? null : sum / counts[stretch]));
}

/** Bytes on the device, what was estimated before, and what it grants where that is less. */
export function memorySeries({ steps, memory }: RunCurves, axis: Axis = 'epoch'): Series[] {
  const x = steps.values(axis);
  const line = (id: string, label: string, color: string, bytes: number): Series[] => [
    { id, label, color, plain: true, dashed: true, x, y: x.map(() => bytes) },
  ];
  return [
    { id: 'used', label: 'used', color: 'var(--class-0)', plain: true, x, y: steps.values('memoryBytes') },
    ...(memory === null ? [] : line('estimate', 'estimate', 'var(--class-2)', memory.needed)),
    ...(isShort(memory) ? line('granted', 'granted', 'var(--class-1)', memory.granted) : []),
  ];
}

/** The device was asked for what is needed, so that it never says more than that. */
function isShort(memory: RunCurves['memory']): memory is EventOf<'memory'> & { granted: number } {
  return memory !== null && memory.granted !== null && memory.granted < memory.needed;
}

/** 'The device granted the estimated 45 MB.'; '' where it was not asked. */
export function grantText({ memory, adapted }: RunCurves): string {
  if (memory === null) return '';
  const needed = formatBytes(memory.needed);
  const parts = adapted?.accumulate ?? memory.accumulate;
  const inParts = parts > 1 ? ` Each batch is computed in ${parts} parts.` : '';
  if (memory.granted === null)
    return `About ${needed} were estimated; the device does not say what it grants.${inParts}`;
  if (!isShort(memory)) return `The device granted the estimated ${needed}.${inParts}`;
  return `About ${needed} were estimated; the device grants ${formatBytes(memory.granted)}.${inParts}`;
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
