// How a run's metrics are named and written. The task says it (tasks/catalog.ts); the run's events prefix the split.
import { formatPercent, formatSignificant } from '$lib/core/format';
import type { EvaluationRecord, RunRecord } from '$lib/storage/records';
import { TASKS } from '$lib/tasks/catalog';
import type { MetricInfo, TaskMeta } from '$lib/tasks/contract';

const SPLIT = { train: 'Training', val: 'Validation', test: 'Test' } as const;

export function taskMeta(id: string): TaskMeta {
  return TASKS.find((task) => task.id === id) ?? TASKS[0];
}

/** 'val_accuracy' and 'accuracy' alike. Undefined for what the task does not name. */
export function metricInfo(task: TaskMeta, name: string): MetricInfo | undefined {
  const bare = name.replace(/^(train|val|test)_/, '');
  return task.metrics.find(({ id }) => id === bare);
}

/** 'Validation accuracy' for 'val_accuracy'. */
export function metricTitle(task: TaskMeta, name: string): string {
  const title = metricInfo(task, name)?.title ?? name.replace(/^(train|val|test)_/, '');
  const [, split] = /^(train|val|test)_/.exec(name) ?? [];
  if (split !== 'train' && split !== 'val' && split !== 'test') return title;
  return `${SPLIT[split]} ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
}

export function formatMetric(task: TaskMeta, name: string, value: number | null | undefined): string {
  return metricInfo(task, name)?.format === 'ratio'
    ? formatPercent(value ?? null)
    : formatSignificant(value ?? null, 4);
}

/** The one number of a run: its newest evaluation's deciding metric, else the best validation value. Null before either. */
export function headline(
  taskId: string,
  run: RunRecord | null,
  evaluation: EvaluationRecord | null | undefined,
): { label: string; value: string; name: string } | null {
  const task = taskMeta(taskId);
  if (evaluation) {
    const name = task.primaryMetric;
    const value = evaluation.result.metrics[name];
    return { name, label: metricTitle(task, `${evaluation.split}_${name}`), value: formatMetric(task, name, value) };
  }
  if (!run?.best) return null;
  const { metric, value } = run.best;
  const name = /^(train|val|test)_/.test(metric) ? metric : `val_${metric}`;
  return { name: metric, label: metricTitle(task, name), value: formatMetric(task, metric, value) };
}
