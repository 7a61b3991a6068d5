// A run's events as lines that a person reads, newest last, and as JSON lines for programs.
import { formatBytes, formatCount, formatDuration, formatPlural } from '$lib/core/format';
import type { RunEventRecord } from '$lib/storage/records';
import type { TaskMeta } from '$lib/tasks/contract';
import type { RunEvent } from '$lib/training/events';
import { formatMetric, metricTitle } from './metrics';
import type { EventOf, LogEntry } from './run-curves';

const AWAY = {
  frozen: 'The browser held the tab still',
  closed: 'The tab was closed',
  'lost-device': 'The device was lost',
} as const;

/** From the least to the most urgent. */
export const LOG_LEVELS = ['info', 'warning', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine {
  /** Milliseconds since 1970; 0 where it is not known. */
  time: number;
  level: LogLevel;
  /** Something to be glad of: the best so far, a result. */
  good?: boolean;
  text: string;
  /** What to do, for an error. */
  hint?: string;
}

/** How much an event asks for attention. */
export function levelOf(event: RunEvent): LogLevel {
  switch (event.type) {
    case 'failed':
      return 'error';
    case 'notice':
      return event.level === 'info' ? 'info' : 'warning';
    case 'away':
    case 'adapted':
      return 'warning';
    default:
      return 'info';
  }
}

export function logLine(task: TaskMeta, { time, event }: LogEntry): LogLine {
  return { time, level: levelOf(event), ...told(task, event) };
}

/** The lines of a log that grows: each is written once, however often they are asked for. */
export class LogBook {
  #task: TaskMeta | null = null;
  #log: readonly LogEntry[] = [];
  #lines: LogLine[] = [];

  /** A new array for every call; logs are only ever appended to. */
  lines(task: TaskMeta, log: readonly LogEntry[]): readonly LogLine[] {
    if (task !== this.#task || log !== this.#log) {
      this.#task = task;
      this.#log = log;
      this.#lines = [];
    }
    for (let entry = this.#lines.length; entry < log.length; entry++) this.#lines.push(logLine(task, log[entry]));
    return this.#lines.slice();
  }
}

/** Lines of at least this level that contain every one of the words. */
export function filterLog(lines: readonly LogLine[], level: LogLevel, words: string): readonly LogLine[] {
  const least = LOG_LEVELS.indexOf(level);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (least === 0 && wanted.length === 0) return lines;
  return lines.filter((line) => {
    if (LOG_LEVELS.indexOf(line.level) < least) return false;
    const text = `${line.text} ${line.hint ?? ''}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/**
 * One JSON object a line: time (ISO 8601), level, sequence number and the event with its own fields. Numbers that JSON has not (a
 * norm of infinity) are written as the strings 'NaN', 'Infinity' and '-Infinity'.
 */
export function logJson(records: Iterable<RunEventRecord>): string {
  let text = '';
  for (const { time, sequence, event } of records) {
    const line = { time: new Date(time).toISOString(), sequence, ...event, level: levelOf(event) };
    text += `${JSON.stringify(line, (_, value: unknown) => (isOdd(value) ? String(value) : value))}\n`;
  }
  return text;
}

function isOdd(value: unknown): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}

function told(task: TaskMeta, event: LogEntry['event']): Pick<LogLine, 'text' | 'good' | 'hint'> {
  switch (event.type) {
    case 'started': {
      const { device, images, fromStep } = event;
      const begun = fromStep > 0 ? `Went on from step ${formatCount(fromStep)}` : 'Started';
      const splits = `${formatCount(images.train)} training, ${formatCount(images.val)} validation and ${formatCount(images.test)} test images`;
      return { text: `${begun} on ${device.backend} (${device.adapter}) with ${splits}.` };
    }
    case 'weights': {
      const { backbone, mismatched } = event.report;
      const other = mismatched.length === 0 ? '' : ` ${formatPlural(mismatched.length, 'tensor')} had another shape.`;
      return { text: `Started from ${event.name}: ${backbone.loaded} of ${backbone.total} tensors loaded.${other}` };
    }
    case 'features': {
      const { total, cached } = event;
      const there = cached === total ? 'All of them' : formatCount(cached);
      const note = cached === 0 ? '' : ` ${there} were stored by an earlier run.`;
      return { text: `Features of ${formatPlural(total, 'image')} are ready.${note}` };
    }
    case 'phase': {
      const epochs = formatPlural(event.epochs, 'epoch');
      const contrastive = event.phase === 'contrastive';
      return { text: contrastive ? `Contrastive training for ${epochs}.` : `Training the classifier for ${epochs}.` };
    }
    case 'notice':
      return { text: event.message };
    case 'memory': {
      const { needed, granted, batchSize, accumulate } = event;
      const grant = granted === null ? 'the device does not say what it grants' : `${formatBytes(granted)} are granted`;
      const parts = accumulate > 1 ? `, computed in ${accumulate} parts` : '';
      return { text: `Needs ${formatBytes(needed)} on the device; ${grant}. Batch ${formatCount(batchSize)}${parts}.` };
    }
    case 'adapted': {
      const from = `From step ${formatCount(event.step)} on each batch is computed in ${event.accumulate} parts`;
      return { text: `${from}: ${event.reason}` };
    }
    case 'paused':
      return { text: `Paused at step ${formatCount(event.step)}.` };
    case 'continued':
      return { text: `Went on after a pause of ${formatDuration(event.seconds)}.` };
    case 'away':
      return { text: `${AWAY[event.reason]} for ${formatDuration(event.seconds)}; the run went on by itself.` };
    case 'epoch': {
      const values = Object.entries(event.metrics).map(([name, value]) => {
        return `${metricTitle(task, name).toLowerCase()} ${formatMetric(task, name, value)}`;
      });
      const where = event.within ? `Step ${formatCount(event.step)}` : `Epoch ${event.epoch}`;
      const text = `${where}: ${values.join(', ')} (${formatDuration(event.seconds)}).`;
      return event.best ? { text: `${text} Best so far.`, good: true } : { text };
    }
    case 'checkpoint':
      return { text: keptText(event) };
    case 'evaluated': {
      const name = task.primaryMetric;
      const value = formatMetric(task, name, event.result.metrics[name]);
      const count = formatPlural(event.result.count, 'image');
      return { text: `${metricTitle(task, `${event.split}_${name}`)} ${value} on ${count}.`, good: true };
    }
    case 'finished': {
      const word = event.status === 'done' ? 'Done' : 'Stopped';
      const text = `${word} after ${formatPlural(event.epochs, 'epoch')} in ${formatDuration(event.seconds)}.`;
      return { text, good: true };
    }
    case 'failed':
      return { text: event.error.message, hint: event.error.hint };
    default:
      return event satisfies never;
  }
}

function keptText({ kind, slot, epoch, step }: EventOf<'checkpoint'>): string {
  if (kind === 'best' || kind === 'last') return `Kept the ${kind} checkpoint of epoch ${epoch}.`;
  return `Kept checkpoint ${slot ?? kind} at step ${formatCount(step)}.`;
}
