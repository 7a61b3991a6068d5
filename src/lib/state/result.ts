// An evaluation's deciding metric as the result panel shows it.
import { formatPercent } from '$lib/core/format';
import { wilsonInterval, type Interval } from '$lib/metrics/interval';
import { formatMetric, metricInfo, metricTitle } from './metrics';
import type { EvaluationRecord } from '$lib/storage/records';
import type { TaskMeta } from '$lib/tasks/contract';

export const SPLIT_WORD = { train: 'training', val: 'validation', test: 'test' } as const;

/** How far the images of a split can be trusted to judge. */
const CAVEAT = {
  test: 'which training never saw',
  val: 'which also chose the best epoch',
  train: 'the very ones it learnt from',
} as const;

/** '90.1 to 97.0 %'; null where the metric is no share of images. */
export function intervalOf(
  task: TaskMeta,
  name: string,
  value: number | null,
  count: number,
): { text: string; range: Interval } | null {
  if (value === null || metricInfo(task, name)?.share !== true) return null;
  const range = wilsonInterval(value, count);
  return range && { text: `${(range.low * 100).toFixed(1)} to ${formatPercent(range.high)}`, range };
}

export function resultOf(task: TaskMeta, evaluation: EvaluationRecord) {
  const { result, split, checkpoint, epoch } = evaluation;
  const name = task.primaryMetric;
  const value = result.metrics[name] ?? null;
  const ratio = metricInfo(task, name)?.format === 'ratio';
  const guess = result.baseline.metrics[name] ?? null;
  const others = (result.baselines ?? []).map(
    (baseline) => `${baseline.name}: ${formatMetric(task, name, baseline.metrics[name] ?? null)}`,
  );
  return {
    title: metricTitle(task, `${split}_${name}`),
    value: formatMetric(task, name, value),
    share: ratio ? value : null,
    interval: intervalOf(task, name, value, result.count),
    baseline:
      guess === null
        ? null
        : {
            value: formatMetric(task, name, guess),
            share: ratio ? guess : null,
            text:
              result.baseline.class === ''
                ? 'Answering how frequent classes are:'
                : `Always guessing "${result.baseline.class}":`,
          },
    /** Other answers without training: 'k nearest neighbours: 84.1 %'. */
    others,
    images: result.count,
    split: SPLIT_WORD[split],
    caveat: CAVEAT[split],
    checkpoint,
    epoch,
  };
}
