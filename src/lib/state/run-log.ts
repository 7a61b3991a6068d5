// A run's events as lines that a person reads, newest last.
import { formatBytes, formatCount, formatDuration, formatPlural } from '$lib/core/format';
import type { TaskMeta } from '$lib/tasks/contract';
import { formatMetric, metricTitle } from './metrics';
import type { EventOf, LogEntry } from './run-curves';

const AWAY = {
  frozen: 'The browser held the tab still',
  closed: 'The tab was closed',
  'lost-device': 'The device was lost',
} as const;

export interface LogLine {
  /** Milliseconds since 1970; 0 where it is not known. */
  time: number;
  kind: 'info' | 'notice' | 'good' | 'error';
  text: string;
  /** What to do, for an error. */
  hint?: string;
}

export function logLine(task: TaskMeta, { time, event }: LogEntry): LogLine {
  const line = (text: string, kind: LogLine['kind'] = 'info', hint?: string): LogLine => ({ time, kind, text, hint });
  switch (event.type) {
    case 'started': {
      const { device, images, fromStep } = event;
      const begun = fromStep > 0 ? `Went on from step ${formatCount(fromStep)}` : 'Started';
      const splits = `${formatCount(images.train)} training, ${formatCount(images.val)} validation and ${formatCount(images.test)} test images`;
      return line(`${begun} on ${device.backend} (${device.adapter}) with ${splits}.`);
    }
    case 'weights': {
      const { backbone, mismatched } = event.report;
      const other = mismatched.length === 0 ? '' : ` ${formatPlural(mismatched.length, 'tensor')} had another shape.`;
      return line(`Started from ${event.name}: ${backbone.loaded} of ${backbone.total} tensors loaded.${other}`);
    }
    case 'features': {
      const { total, cached } = event;
      const there = cached === total ? 'All of them' : formatCount(cached);
      const note = cached === 0 ? '' : ` ${there} were stored by an earlier run.`;
      return line(`Features of ${formatPlural(total, 'image')} are ready.${note}`);
    }
    case 'phase':
      return line(
        event.phase === 'contrastive'
          ? `Contrastive training for ${formatPlural(event.epochs, 'epoch')}.`
          : `Training the classifier for ${formatPlural(event.epochs, 'epoch')}.`,
      );
    case 'notice':
      return line(event.message, event.level === 'info' ? 'info' : 'notice');
    case 'memory': {
      const { needed, granted, batchSize, accumulate } = event;
      const grant = granted === null ? 'the device does not say what it grants' : `${formatBytes(granted)} are granted`;
      const parts = accumulate > 1 ? `, computed in ${accumulate} parts` : '';
      return line(`Needs ${formatBytes(needed)} on the device, ${grant}. Batch ${formatCount(batchSize)}${parts}.`);
    }
    case 'adapted':
      return line(
        `From step ${formatCount(event.step)} on each batch is computed in ${event.accumulate} parts: ${event.reason}`,
        'notice',
      );
    case 'paused':
      return line(`Paused at step ${formatCount(event.step)}.`);
    case 'continued':
      return line(`Went on after a pause of ${formatDuration(event.seconds)}.`);
    case 'away':
      return line(`${AWAY[event.reason]} for ${formatDuration(event.seconds)}; the run went on by itself.`, 'notice');
    case 'epoch': {
      const values = Object.entries(event.metrics).map(([name, value]) => {
        return `${metricTitle(task, name).toLowerCase()} ${formatMetric(task, name, value)}`;
      });
      const where = event.within ? `Step ${formatCount(event.step)}` : `Epoch ${event.epoch}`;
      const text = `${where}: ${values.join(', ')} (${formatDuration(event.seconds)}).`;
      return event.best ? line(`${text} Best so far.`, 'good') : line(text);
    }
    case 'checkpoint':
      return line(keptText(event));
    case 'evaluated': {
      const name = task.primaryMetric;
      const value = formatMetric(task, name, event.result.metrics[name]);
      const count = formatPlural(event.result.count, 'image');
      return line(`${metricTitle(task, `${event.split}_${name}`)} ${value} on ${count}.`, 'good');
    }
    case 'finished': {
      const word = event.status === 'done' ? 'Done' : 'Stopped';
      return line(`${word} after ${formatPlural(event.epochs, 'epoch')} in ${formatDuration(event.seconds)}.`, 'good');
    }
    case 'failed':
      return line(event.error.message, 'error', event.error.hint);
    default:
      return event satisfies never;
  }
}

function keptText({ kind, slot, epoch, step }: EventOf<'checkpoint'>): string {
  if (kind === 'best' || kind === 'last') return `Kept the ${kind} checkpoint of epoch ${epoch}.`;
  return `Kept checkpoint ${slot ?? kind} at step ${formatCount(step)}.`;
}
