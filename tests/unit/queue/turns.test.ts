// Whose turn it is, in which order, and what becomes of a failure.
import { expect, it } from 'vitest';
import { inOrder, lastOrder, moved, nextTurn } from '$lib/queue/turns';
import { afterFailure, isPassing, MOST_ATTEMPTS, retryDelay } from '$lib/queue/retry';
import { entry } from './entry';

const error = (code: string) => ({ code, message: 'm', hint: 'h' });

it('gives the turn to the first that waits, by order and then by when it was added', () => {
  const entries = [
    entry({ id: 'late', order: 2 }),
    entry({ id: 'second', order: 1, addedAt: 9 }),
    entry({ id: 'first', order: 1, addedAt: 5 }),
    entry({ id: 'over', order: 0, status: 'done' }),
  ];
  expect(nextTurn(entries, 0)).toEqual({ entry: entries[2] });
  expect(inOrder(entries).map(({ id }) => id)).toEqual(['over', 'first', 'second', 'late']);
});

it('gives no turn while a run has one', () => {
  expect(nextTurn([entry({ id: 'a', status: 'running' }), entry({ id: 'b' })], 0)).toBeNull();
});

it('lets others pass one that waits for another attempt, and says until when to wait where nobody else does', () => {
  const again = entry({ id: 'a', order: 0, notBefore: 1000 });
  const other = entry({ id: 'b', order: 1 });
  expect(nextTurn([again, other], 999)).toEqual({ entry: other });
  expect(nextTurn([again, other], 1000)).toEqual({ entry: again });
  expect(nextTurn([again, entry({ id: 'c', notBefore: 800 })], 500)).toEqual({ until: 800 });
  expect(nextTurn([entry({ id: 'd', status: 'failed' }), entry({ id: 'e', status: 'cancelled' })], 0)).toBeNull();
});

it.each([
  ['c', 'a', 'cab'],
  ['a', null, 'bca'],
  ['a', 'c', 'bac'],
  ['b', 'b', 'abc'],
  ['a', 'gone', 'abc'],
])('moves %s in front of %s', (id, before, expected) => {
  const entries = ['a', 'b', 'c'].map((name, i) => entry({ id: name, order: i * 2 }));
  const orders = moved(entries, id, before);
  const changed = entries.map((one) => ({ ...one, order: orders.get(one.id) ?? one.order }));
  expect(
    inOrder(changed)
      .map((one) => one.id)
      .join(''),
  ).toBe(expected);
});

it('moves entries that were given the same number, and none that does not wait', () => {
  const entries = ['a', 'b', 'c'].map((id, i) => entry({ id, order: 4, addedAt: i }));
  const orders = moved([...entries, entry({ id: 'over', order: 1, status: 'done' })], 'c', 'a');
  expect([...orders.keys()]).not.toContain('over');
  const changed = entries.map((one) => ({ ...one, order: orders.get(one.id) ?? one.order }));
  expect(inOrder(changed).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  expect(moved([entry({ id: 'over', status: 'done' })], 'over', null).size).toBe(0);
});

it('adds at the end', () => {
  expect(lastOrder([])).toBe(1);
  expect(lastOrder([entry({ id: 'a', order: 7 }), entry({ id: 'b', order: 3 })])).toBe(8);
});

it('waits longer after each failure, up to a quarter of an hour', () => {
  expect([1, 2, 3, 4, 5, 6, 20].map((attempts) => retryDelay(attempts) / 1000)).toEqual([
    30, 60, 120, 240, 480, 900, 900,
  ]);
});

it('tries a passing failure again, a bounded number of times', () => {
  let now = entry({ id: 'a', status: 'running' });
  const statuses: string[] = [];
  for (let attempt = 0; attempt < 10 && now.status !== 'failed'; attempt++) {
    now = { ...now, ...afterFailure(now, error('device-lost'), 1000) };
    statuses.push(now.status);
  }
  expect(statuses).toEqual(['waiting', 'waiting', 'waiting', 'waiting', 'failed']);
  expect(now).toMatchObject({ attempts: MOST_ATTEMPTS, notBefore: null, error: error('device-lost') });
});

it('says when it is tried again', () => {
  expect(afterFailure(entry({ id: 'a', attempts: 1 }), error('hub-offline'), 5000)).toMatchObject({
    status: 'waiting',
    attempts: 2,
    notBefore: 5000 + 60_000,
  });
});

it('does not try again what would fail again', () => {
  for (const code of ['job-invalid', 'no-train-images', 'loss-not-finite', 'storage-full', 'checkpoint-mismatch']) {
    expect(isPassing(code)).toBe(false);
    expect(afterFailure(entry({ id: 'a' }), error(code), 0)).toMatchObject({ status: 'failed', notBefore: null });
  }
  for (const code of ['device-lost', 'out-of-memory', 'hub-unreachable', 'worker-ended'])
    expect(isPassing(code)).toBe(true);
});
