// The fields of a job that say how the run is judged, when it ends and what of it is kept. Data alone.

import type { Fields } from '$lib/core/schema';
import type { TaskMeta } from '$lib/tasks/contract';

export function validation(task: TaskMeta) {
  const primary = task.metrics.find(({ id }) => id === task.primaryMetric);
  return {
    type: 'object',
    title: 'Validation',
    help: 'How the model is judged while it trains.',
    group: 'Validation and stopping',
    fields: {
      every_epochs: {
        type: 'integer',
        title: 'Validate every',
        help: 'Epochs between two validations; the last epoch is always validated.',
        unit: 'epochs',
        advanced: true,
        default: 1,
        minimum: 1,
        maximum: 1000,
      },
      every_steps: {
        type: 'integer',
        title: 'Also every',
        help: 'Validates within an epoch too, every so many steps; for epochs that take long. 0 is off.',
        unit: 'steps',
        advanced: true,
        default: 0,
        minimum: 0,
        maximum: 1000000,
      },
      folds: {
        type: 'integer',
        title: 'Folds',
        help: 'Cross-validation (k-fold): train and validation images together are divided into this many parts, one of which is held out. 0 keeps the split of the data set.',
        unit: 'parts',
        advanced: true,
        default: 0,
        minimum: 0,
        maximum: 50,
      },
      fold: {
        type: 'integer',
        title: 'Held-out fold',
        help: 'Which part validates this run, counted from 0.',
        advanced: true,
        default: 0,
        minimum: 0,
        maximum: 49,
        visibleWhen: { folds: { above: 0 } },
      },
      metric: {
        type: 'choice',
        title: 'Deciding metric',
        help: 'Which value on the validation images makes a checkpoint the best.',
        advanced: true,
        default: '',
        options: [
          { value: '', title: `Automatic (${primary?.title ?? task.primaryMetric})` },
          ...task.metrics.map(({ id, title }) => ({ value: id, title })),
        ],
      },
    },
  } as const satisfies Fields[string];
}

export const EARLY_STOPPING = {
  type: 'object',
  title: 'Early stopping',
  help: 'Ends the run when it no longer gets better.',
  group: 'Validation and stopping',
  fields: {
    enabled: {
      type: 'boolean',
      title: 'Stop early',
      help: 'Ends the run when the deciding metric has not improved for a while.',
      default: false,
    },
    patience: {
      type: 'integer',
      title: 'Patience',
      help: 'Validations without improvement after which the run ends.',
      unit: 'validations',
      default: 10,
      minimum: 1,
      maximum: 1000,
      visibleWhen: { enabled: [true] },
    },
    min_delta: {
      type: 'number',
      title: 'Smallest improvement',
      help: 'Changes up to this size do not count as an improvement.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1000,
      visibleWhen: { enabled: [true] },
    },
  },
} as const satisfies Fields[string];

export const CHECKPOINTS = {
  type: 'object',
  title: 'Checkpoints',
  help: 'Which weights are kept.',
  group: 'Validation and stopping',
  fields: {
    keep_best: {
      type: 'boolean',
      title: 'Keep the best',
      help: 'Keeps the weights with the best deciding metric; they are evaluated and exported.',
      advanced: true,
      default: true,
    },
    keep_last: {
      type: 'boolean',
      title: 'Save while training',
      help: 'Saves the newest weights with the state of the optimiser now and then, so that an interrupted run can go on. They are always saved at the end.',
      advanced: true,
      default: true,
    },
    every_epochs: {
      type: 'integer',
      title: 'Keep one every',
      help: 'Keeps the weights of one of every so many epochs. 0 is off.',
      unit: 'epochs',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 10000,
    },
    top_k: {
      type: 'integer',
      title: 'Keep the best few',
      help: 'Keeps the weights of this many of the best validations, to compare or average. 0 is off.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 20,
    },
    autosave_seconds: {
      type: 'number',
      title: 'Save every',
      help: 'At most so much work is lost when the run is interrupted. It saves less often where that would take 3% of the time.',
      unit: 's',
      advanced: true,
      default: 30,
      minimum: 1,
      maximum: 3600,
      visibleWhen: { keep_last: [true] },
    },
  },
} as const satisfies Fields[string];
