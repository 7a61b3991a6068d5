// Whose turn it is in the queue. Looks at records and at the time that it is told; changes nothing.

import type { QueueRecord } from '$lib/storage/records';

/** What happens next: a run's turn, waiting until a time, or nothing. */
export type Turn = { entry: QueueRecord } | { until: number } | null;

/**
 * The first waiting entry that may run at `now`. One that waits for another attempt lets the others pass. While an entry runs there
 * is no turn: there is one device.
 */
export function nextTurn(entries: readonly QueueRecord[], now: number): Turn {
  if (entries.some(({ status }) => status === 'running')) return null;
  const waiting = inOrder(entries).filter(({ status }) => status === 'waiting');
  const entry = waiting.find(({ notBefore }) => notBefore === null || notBefore <= now);
  if (entry !== undefined) return { entry };
  const times = waiting.flatMap(({ notBefore }) => notBefore ?? []);
  return times.length === 0 ? null : { until: Math.min(...times) };
}

/** By turn; what was added first comes first where nobody has said otherwise. */
export function inOrder(entries: readonly QueueRecord[]): QueueRecord[] {
  return entries.toSorted((a, b) => a.order - b.order || a.addedAt - b.addedAt || (a.id < b.id ? -1 : 1));
}

/**
 * The `order` values that put `id` in front of `before` (null: last) among the entries that wait, as changes to the records. The
 * numbers that the waiting entries have are dealt out anew, so that no other entry moves.
 */
export function moved(entries: readonly QueueRecord[], id: string, before: string | null): Map<string, number> {
  const waiting = inOrder(entries).filter(({ status }) => status === 'waiting');
  const entry = waiting.find((other) => other.id === id);
  if (entry === undefined || before === id) return new Map();
  const rest = waiting.filter((other) => other !== entry);
  const place = before === null ? rest.length : rest.findIndex((other) => other.id === before);
  if (place < 0) return new Map();
  const next = rest.toSpliced(place, 0, entry);
  const orders = risen(waiting.map(({ order }) => order));
  return new Map(next.flatMap((other, i) => (other.order === orders[i] ? [] : [[other.id, orders[i]] as const])));
}

/** The same numbers where they rise; entries that were added together may share one. */
function risen(orders: readonly number[]): number[] {
  const result: number[] = [];
  for (const order of orders) result.push(result.length === 0 ? order : Math.max(order, result[result.length - 1] + 1));
  return result;
}

/** The number for an entry that is added at the end. */
export function lastOrder(entries: readonly QueueRecord[]): number {
  return entries.reduce((last, { order }) => Math.max(last, order), 0) + 1;
}
