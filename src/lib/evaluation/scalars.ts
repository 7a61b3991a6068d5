// A run's events as named scalars over steps: what programs that show other programs' runs can take.

import { currentEvents } from '$lib/storage/run-history';
import type { RunEventRecord } from '$lib/storage/records';
import { getPath, isObject, joinPath } from '$lib/core/path';
import type { Job } from '$lib/job/job';

export interface Scalar {
  /** 'val/accuracy'; parts by '/'. */
  name: string;
  step: number;
  /** Milliseconds since 1970. */
  time: number;
  value: number;
}

/** In the order in which they were told; what a resumed run did again counts once. Values that are no number stay: they are the news. */
export function scalarsOf(stored: readonly RunEventRecord[]): Scalar[] {
  const scalars: Scalar[] = [];
  let last = 0;
  for (const { time, ...event } of currentEvents(stored.map(({ time, event }) => ({ time, ...event })))) {
    const add = (name: string, step: number, value: number | null | undefined) => {
      if (typeof value === 'number') scalars.push({ name, step, time, value });
    };
    switch (event.type) {
      case 'progress': {
        last = event.step;
        add('train/loss_by_step', event.step, event.loss);
        add('learning_rate', event.step, event.learningRate);
        add('system/images_per_second', event.step, event.imagesPerSecond);
        add('system/memory_bytes', event.step, event.memoryBytes);
        for (const [part, milliseconds] of Object.entries(event.timing ?? {})) {
          add(`system/step_${part}_ms`, event.step, milliseconds);
        }
        break;
      }
      case 'norms':
        for (const { name, gradient, weight, update } of event.layers) {
          add(`norms/gradient/${name}`, event.step, gradient);
          add(`norms/weight/${name}`, event.step, weight);
          add(`norms/update/${name}`, event.step, update);
        }
        break;
      case 'epoch':
        last = event.step;
        for (const [metric, value] of Object.entries(event.metrics)) {
          add(metric.replace(/^(train|val)_/, '$1/'), event.step, value);
        }
        if (event.within !== true) add('epoch', event.step, event.epoch);
        break;
      case 'evaluated':
        for (const [metric, value] of Object.entries(event.result.metrics)) {
          add(`${event.split}/final_${metric}`, last, value);
        }
        break;
      default:
    }
  }
  return scalars;
}

/** Every setting by its dotted path, as a number, a switch or text. */
export function settingsOf(job: Job): [path: string, value: number | boolean | string][] {
  return leaves(job).map((path) => {
    const value = getPath(job, path);
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return [path, value];
    return [path, JSON.stringify(value) ?? ''];
  });
}

function leaves(value: unknown, path = ''): string[] {
  if (!isObject(value)) return [path];
  return Object.entries(value).flatMap(([key, inside]) => leaves(inside, joinPath(path, key)));
}
