// Phrases around numbers that only the page needs; the numbers themselves are core/format.ts's.
import { formatPercent, formatSignificant } from '$lib/core/format';

/** A task's metric by its own `format`. */
export function metricText(value: number | null | undefined, format: 'ratio' | 'number'): string {
  return format === 'ratio' ? formatPercent(value ?? null) : formatSignificant(value ?? null, 4);
}

/** 12,345,678 -> '12.3 M'. For parameters and FLOPs. */
export function shortNumber(value: number): string {
  const units = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const found = units.find(([size]) => Math.abs(value) >= size);
  return found ? `${formatSignificant(value / found[0])} ${found[1]}` : formatSignificant(value);
}

/** Time left, rounded so that it does not flicker: 'about 2 min left'. */
export function timeLeft(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return 'estimating time left';
  if (seconds < 1.5) return 'almost done';
  if (seconds < 60) return `${Math.ceil(seconds)} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${formatSignificant(seconds / 3600, 2)} h left`;
}

/** A guess, said as one: 'about 14 min'. */
export function roughly(seconds: number): string {
  if (seconds < 90) return `about ${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${formatSignificant(seconds / 3600, 2)} h`;
}

/** 'just now', '5 min ago', 'yesterday', '3 Mar 2025'. */
export function ago(time: number, now = Date.now()): string {
  const seconds = (now - time) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  if (seconds < 2 * 86_400) return 'yesterday';
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} days ago`;
  return new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}
