// A run's log as lines and as JSON lines.
import { expect, test } from 'vitest';
import { taskMeta } from '$lib/state/metrics';
import { filterLog, levelOf, LogBook, logJson, type LogLine } from '$lib/state/run-log';
import type { LogEntry } from '$lib/state/run-curves';

const task = taskMeta('classification');
const line = (level: LogLine['level'], text: string, hint?: string): LogLine => ({ time: 0, level, text, hint });
const LINES = [line('info', 'Epoch 1: loss 2'), line('warning', 'Device lost'), line('error', 'NaN', 'Lower the rate')];

test('a level leaves out what is less urgent, and every word must be there, in the text or in the hint', () => {
  expect(filterLog(LINES, 'info', ' ')).toEqual(LINES);
  expect(filterLog(LINES, 'warning', '').map(({ text }) => text)).toEqual(['Device lost', 'NaN']);
  expect(filterLog(LINES, 'error', '').map(({ text }) => text)).toEqual(['NaN']);
  expect(filterLog(LINES, 'info', 'RATE nan').map(({ text }) => text)).toEqual(['NaN']);
  expect(filterLog(LINES, 'info', 'epoch lost')).toEqual([]);
});

test('a notice is a warning unless it says otherwise, a failure an error', () => {
  expect(levelOf({ type: 'notice', message: 'a' })).toBe('warning');
  expect(levelOf({ type: 'notice', message: 'a', level: 'info' })).toBe('info');
  expect(levelOf({ type: 'away', seconds: 1, reason: 'frozen' })).toBe('warning');
  expect(levelOf({ type: 'failed', error: { code: 'c', message: 'm', hint: '' } })).toBe('error');
  expect(levelOf({ type: 'paused', step: 1 })).toBe('info');
});

test('a growing log is written line by line, and another run begins anew', () => {
  const book = new LogBook();
  const log: LogEntry[] = [{ time: 1, event: { type: 'paused', step: 3 } }];
  const [first] = book.lines(task, log);
  log.push({ time: 2, event: { type: 'continued', step: 3, seconds: 61 } });
  const lines = book.lines(task, log);
  expect(lines.map(({ text }) => text)).toEqual(['Paused at step 3.', 'Went on after a pause of 1 min 01 s.']);
  expect(lines[0]).toBe(first);
  expect(book.lines(task, [])).toEqual([]);
});

test('JSON lines have time, number and level beside the event, and keep what JSON has no number for', () => {
  const gradients = [{ name: 'fc', norm: Infinity }];
  const text = logJson([
    { runId: 'r', sequence: 7, time: Date.UTC(2026, 0, 2), event: { type: 'notice', message: 'Two "words".' } },
    {
      runId: 'r',
      sequence: 8,
      time: Date.UTC(2026, 0, 3),
      event: {
        type: 'failed',
        error: { code: 'c', message: 'm', hint: '' },
        detail: { step: 1, learningRate: 1, loss: NaN, gradients },
      },
    },
  ]);
  expect(text.endsWith('\n')).toBe(true);
  const objects = text
    .trimEnd()
    .split('\n')
    .map((one): unknown => JSON.parse(one));
  expect(objects).toMatchObject([
    { time: '2026-01-02T00:00:00.000Z', level: 'warning', sequence: 7, type: 'notice', message: 'Two "words".' },
    { level: 'error', sequence: 8, detail: { loss: 'NaN', gradients: [{ name: 'fc', norm: 'Infinity' }] } },
  ]);
});
