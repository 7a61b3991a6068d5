// The job's fields: titles, help, ranges, defaults (fields/ has them by section). Data for the form, the job file, the command line and the JSON
// Schema alike. Defaults that depend on the model or the data are set in resolve.ts.

import type { Fields } from '$lib/core/schema';
import type { ModelEntry } from '$lib/models/contract';
import { IMPORTED, type ImportedNetwork } from '$lib/models/imported';
import type { TaskMeta } from '$lib/tasks/contract';
import { AUGMENT } from './fields/augment';
import { DATA } from './fields/data';
import { ENGINE, MONITORING } from './fields/engine';
import { CONTRASTIVE, FINE_TUNE, HEAD } from './fields/fine-tuning';
import { OPTIMIZER } from './fields/optimizer';
import { preprocess } from './fields/preprocess';
import { SCHEDULER } from './fields/scheduler';
import { distillation, EMA, MIX, TRAINING, type TeacherRun } from './fields/training';
import { CHECKPOINTS, EARLY_STOPPING, validation } from './fields/validation';
import { JOB_VERSION } from './job';

/** What a job can name. Passed in, so that a test can have models of its own. */
export interface JobCatalog {
  models: readonly ModelEntry[];
  tasks: readonly TaskMeta[];
  /** The network in the file that `model.weights` names, where it is known; for jobs of the model 'imported'. */
  imported?(weights: string): ImportedNetwork | undefined;
  /** Runs whose answers could be learnt from, where they are known. */
  teachers?: readonly TeacherRun[];
}

/** Fields that a job holds as text or null; the form and validation know text alone, '' being none. */
export const NULLABLE_TEXTS = [
  'data.path',
  'data.train_dir',
  'data.val_dir',
  'data.test_dir',
  'model.weights',
  'distillation.teacher',
] as const;

/** All fields of a job with this task and model, in the order of the form; `model.config` and `loss` are the plugins' own. */
export function jobFields(catalog: JobCatalog, task: TaskMeta, model: ModelEntry): Fields {
  return {
    version: {
      type: 'integer',
      title: 'Version',
      help: 'Version of the job format; older documents are brought to this one when they are read.',
      advanced: true,
      default: JOB_VERSION,
      minimum: JOB_VERSION,
      maximum: JOB_VERSION,
    },
    task: {
      type: 'choice',
      title: 'Task',
      help: 'What the model learns to answer.',
      group: 'Model',
      default: task.id,
      options: catalog.tasks.map(({ id, title }) => ({ value: id, title })),
    },
    model: {
      type: 'object',
      title: 'Model',
      help: 'The network and its own settings.',
      group: 'Model',
      fields: {
        name: {
          type: 'choice',
          title: 'Architecture',
          help: 'The network that is trained.',
          default: model.meta.id,
          options: [
            ...catalog.models.map(({ meta }) => ({ value: meta.id, title: meta.title, help: meta.summary })),
            { value: IMPORTED, title: 'Imported network', help: 'The network in the file that model.weights names.' },
          ],
        },
        config: {
          type: 'object',
          title: 'Model settings',
          help: 'Settings of this model.',
          fields: model.config.fields,
        },
        weights: {
          type: 'string',
          title: 'Start from',
          help: 'Weights to start from: a name on the hub (timm/resnet18.a1_in1k), an address, a stored file (sha256:...) or, on the command line, a path. Empty starts from random numbers.',
          default: '',
        },
      },
    },
    head: HEAD,
    fine_tune: FINE_TUNE,
    contrastive: CONTRASTIVE,
    data: DATA,
    training: TRAINING,
    ema: EMA,
    preprocess: preprocess(model),
    augment: AUGMENT,
    mix: MIX,
    optimizer: OPTIMIZER,
    scheduler: SCHEDULER,
    loss: { type: 'object', title: 'Loss', help: 'What training makes small.', group: 'Loss', fields: task.lossFields },
    distillation: distillation(catalog.teachers),
    validation: validation(task),
    early_stopping: EARLY_STOPPING,
    checkpoints: CHECKPOINTS,
    monitoring: MONITORING,
    engine: ENGINE,
    seed: {
      type: 'integer',
      title: 'Seed',
      help: 'Start of every random decision: same job, data, seed and device, same model.',
      group: 'Device and seed',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 4294967295,
    },
  };
}

export { JOB_PRESETS, presetsFor, type JobPreset } from './presets';
