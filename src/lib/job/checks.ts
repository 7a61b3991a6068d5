// What no single field of a job can see: contradictions between fields, and between the job and its data. Each check names the fields
// that it reads, so that all of them can be run beside the fields' own checks: one whose field is wrong already says nothing.

import { formatPlural } from '$lib/core/format';
import { getPath } from '$lib/core/path';
import type { Problem } from '$lib/core/schema';
import type { ModelEntry } from '$lib/models/contract';
import { IMPORTED } from '$lib/models/imported';
import type { TaskMeta } from '$lib/tasks/contract';
import type { Job } from './job';
import { readLayerRates } from './layer-rates';
import type { JobData } from './resolve';

export interface CheckContext {
  task: TaskMeta;
  model: ModelEntry;
  data: JobData | undefined;
  /** Of an older version: what it allowed stays allowed, as such a job runs as it did. */
  older: boolean;
}

interface Check {
  /** Where the problem is shown, the field that is changed most likely. */
  path: string;
  /** Further fields that it reads. */
  reads?: readonly string[];
  /** One sentence, or null where all is well. */
  wrong: (job: Job, context: CheckContext) => string | null;
}

/** All contradictions of a complete job; `known` are the problems of single fields. */
export function crossChecks(job: Job, context: CheckContext, known: readonly Problem[]): Problem[] {
  const isWrong = (path: string): boolean =>
    known.some((problem) => problem.path === path || isInside(path, problem.path) || isInside(problem.path, path));
  const problems: Problem[] = [];
  for (const { path, reads = [], wrong } of CHECKS) {
    if ([path, ...reads].some(isWrong)) continue;
    const message = wrong(job, context);
    if (message !== null) problems.push({ path, message });
  }
  if (!isWrong('model')) problems.push(...modelChecks(job, context.model));
  return problems;
}

function isInside(path: string, outer: string): boolean {
  return path.startsWith(`${outer}.`);
}

function modelChecks(job: Job, model: ModelEntry): Problem[] {
  return (model.config.check?.(job.model.config) ?? []).map(({ path, message }) => ({
    path: path === '' ? 'model.config' : `model.config.${path}`,
    message,
  }));
}

const CHECKS: readonly Check[] = [
  {
    path: 'model.name',
    reads: ['task'],
    wrong: (job, { task, model: { meta } }) =>
      meta.tasks.includes(task.models)
        ? null
        : `${meta.title} cannot do "${job.task}"; it does ${meta.tasks.join(', ')}.`,
  },
  {
    path: 'contrastive.epochs',
    reads: ['task'],
    wrong: ({ contrastive: { epochs } }, { task }) =>
      epochs > 0 && !task.pairs
        ? `Metric learning needs one class for each image, which ${task.title.toLowerCase()} does not have; set it to 0.`
        : null,
  },
  {
    path: 'model.weights',
    reads: ['model.name'],
    wrong: ({ model }) =>
      model.weights === null && model.name === IMPORTED
        ? 'An imported network is read from a file; name it here.'
        : null,
  },
  {
    path: 'fine_tune.train',
    reads: ['model.weights'],
    wrong: ({ model, fine_tune }) =>
      model.weights === null && fine_tune.train !== 'all'
        ? 'Without weights to start from the whole network has to learn; choose "all" or set model.weights.'
        : null,
  },
  {
    path: 'preprocess.normalize',
    reads: ['model.weights'],
    wrong: ({ model, preprocess }) =>
      model.weights === null && preprocess.normalize === 'weights'
        ? 'There are no weights whose normalisation could be taken; set model.weights or choose another.'
        : null,
  },
  {
    path: 'data.split',
    wrong: ({ data: { split } }) =>
      split.val + split.test >= 1
        ? `Validation and test take ${split.val + split.test} of the images; some must be left to train on.`
        : null,
  },
  {
    path: 'data',
    wrong: ({ data }) =>
      data.path !== null && data.train_dir !== null
        ? 'Both a path and a train folder are given; give one of them.'
        : null,
  },
  {
    path: 'data.train_dir',
    reads: ['data.val_dir', 'data.test_dir'],
    wrong: ({ data }) =>
      data.train_dir === null && (data.val_dir !== null || data.test_dir !== null)
        ? 'A validation or test folder is given without a train folder.'
        : null,
  },
  {
    path: 'training.accumulate',
    reads: ['training.batch_size'],
    wrong: ({ training: { accumulate, batch_size: batch } }) =>
      accumulate > batch
        ? `A batch of ${formatPlural(batch, 'image')} cannot be computed in ${accumulate} parts; give at most ${batch}.`
        : null,
  },
  mixNeedsTwo('mixup'),
  mixNeedsTwo('cutmix'),
  {
    path: 'distillation.teacher',
    reads: ['distillation.temperature', 'distillation.weight'],
    wrong: ({ distillation: { teacher, temperature, weight } }) => {
      if (teacher === null) {
        return temperature !== NO_TEACHER.temperature || weight !== NO_TEACHER.weight
          ? 'A temperature or a share is given without a teacher; name one as run:<id>, or leave them out.'
          : null;
      }
      if (/^run:\s*$/.test(teacher)) return `A teacher is named by the id of its run, run:<id>; found "${teacher}".`;
      return weight === 0
        ? 'The teacher has no share of the loss; raise distillation.weight, or leave the teacher out.'
        : null;
    },
  },
  {
    path: 'distillation.teacher',
    reads: ['fine_tune', 'model.weights'],
    wrong: ({ distillation, model, fine_tune }) =>
      distillation.teacher !== null &&
      model.weights !== null &&
      fine_tune.train === 'head' &&
      fine_tune.cache &&
      fine_tune.unfreeze_every === 0
        ? 'A teacher looks at the images of each step, but their features are computed once; set fine_tune.cache to false, or leave the teacher out.'
        : null,
  },
  {
    path: 'augment.shift',
    reads: ['preprocess.image_size'],
    wrong: ({ augment, preprocess: { image_size: size } }, { older }) =>
      !older && augment.shift >= size
        ? `Shift must be below the image size of ${size} px, or nothing is left of the image; found ${augment.shift}.`
        : null,
  },
  rising('augment.scale'),
  rising('augment.random_resized_crop.scale'),
  rising('augment.random_resized_crop.ratio'),
  rising('augment.blur.sigma'),
  rising('augment.jpeg.quality'),
  rising('augment.erasing.area'),
  rising('augment.erasing.ratio'),
  {
    path: 'augment.cutout.size',
    reads: ['augment.cutout.probability', 'preprocess.image_size'],
    wrong: ({ augment: { cutout }, preprocess: { image_size: size } }) =>
      cutout.probability > 0 && cutout.size * size < 1
        ? `Size of the square must be at least ${Number((1 / size).toPrecision(2))}, a pixel of the input of ${size} px; found ${cutout.size}.`
        : null,
  },
  {
    path: 'optimizer.nesterov',
    reads: ['optimizer.name', 'optimizer.momentum'],
    wrong: ({ optimizer }) =>
      optimizer.name === 'sgd' && optimizer.nesterov && optimizer.momentum === 0
        ? 'Nesterov momentum needs a momentum above 0; found 0.'
        : null,
  },
  {
    path: 'optimizer.betas',
    wrong: ({ optimizer: { betas } }, { older }) =>
      !older && betas[1] < betas[0]
        ? `The second beta must not be below the first, as squares are averaged for longer; found ${betas.join(' and ')}.`
        : null,
  },
  { path: 'optimizer.layer_rates', wrong: ({ optimizer }) => readLayerRates(optimizer.layer_rates).problem },
  {
    path: 'scheduler.warmup_epochs',
    reads: ['training.epochs'],
    wrong: ({ scheduler: { warmup_epochs: warmup }, training: { epochs } }) =>
      warmup > 0 && warmup >= epochs
        ? `Warm-up must be shorter than the run of ${formatPlural(epochs, 'epoch')}; found ${warmup}.`
        : null,
  },
  {
    path: 'scheduler.minimum_rate',
    reads: ['scheduler.name', 'optimizer.learning_rate'],
    wrong: ({ scheduler, optimizer }) =>
      scheduler.name !== 'constant' && scheduler.minimum_rate > optimizer.learning_rate
        ? `The lowest rate must not be above the learning rate ${optimizer.learning_rate}; found ${scheduler.minimum_rate}.`
        : null,
  },
  {
    path: 'scheduler.milestones',
    reads: ['scheduler.name'],
    wrong: ({ scheduler: { name, milestones } }) => {
      if (name !== 'multi_step') return null;
      if (milestones.length === 0) return 'Name the epochs at which the rate falls, such as [10, 20]; found none.';
      const falling = milestones.findIndex((epoch, at) => at > 0 && epoch <= milestones[at - 1]);
      return falling < 0
        ? null
        : `The epochs must rise; found ${milestones[falling]} after ${milestones[falling - 1]}.`;
    },
  },
  wholeEpochs('step_epochs', 'step', 'Falls every'),
  wholeEpochs('milestones', 'multi_step', 'Falls at'),
  wholeEpochs('restart_epochs', 'cosine_restarts', 'First cycle'),
  {
    path: 'validation.folds',
    wrong: ({ validation: { folds } }, { data }) => {
      if (folds === 1) return 'Folds must be 0 for none, or at least 2; found 1.';
      const images = data === undefined ? Infinity : data.images.train + data.images.val;
      return folds > images
        ? `Folds must be at most the ${images} images of train and validation; found ${folds}.`
        : null;
    },
  },
  {
    path: 'validation.fold',
    reads: ['validation.folds'],
    wrong: ({ validation: { folds, fold } }) =>
      folds > 1 && fold >= folds
        ? `Held-out fold must be from 0 to ${folds - 1}, as there are ${folds}; found ${fold}.`
        : null,
  },
  {
    path: 'loss.class_weight_values',
    reads: ['loss.class_weights'],
    wrong: ({ loss }, { data }) => {
      const weights = getPath(loss, 'class_weight_values');
      if (getPath(loss, 'class_weights') !== 'manual' || !Array.isArray(weights)) return null;
      const classes = data?.classes;
      const found = `found ${formatPlural(weights.length, 'number')}.`;
      if (weights.length === 0) return `Give one number for each class; ${found}`;
      if (classes !== undefined && weights.length !== classes) {
        return `Give one number for each of the ${classes} classes, in the order of the Data page; ${found}`;
      }
      return weights.every((weight) => weight === 0)
        ? 'At least one class must weigh more than 0; found zeros alone.'
        : null;
    },
  },
];

/** The values of a job without a teacher; see ADDED_IN_2. */
const NO_TEACHER = { temperature: 4, weight: 0.5 };

function mixNeedsTwo(name: 'mixup' | 'cutmix'): Check {
  return {
    path: `mix.${name}`,
    reads: ['training.batch_size'],
    wrong: ({ mix, training }) =>
      mix[name] > 0 && training.batch_size < 2
        ? 'Images are mixed with others of their batch, which has 1 image; raise training.batch_size or set this to 0.'
        : null,
  };
}

/** A pair of numbers, smallest and largest. */
function rising(path: string): Check {
  return {
    path,
    wrong: (job) => {
      const range = getPath(job, path);
      if (!Array.isArray(range) || !(range[0] > range[1])) return null;
      return `The first number must not be above the second; found ${range[0]} and ${range[1]}.`;
    },
  };
}

/** A rate that changes with epochs alone has no half ones. */
function wholeEpochs(name: 'step_epochs' | 'milestones' | 'restart_epochs', schedule: string, title: string): Check {
  return {
    path: `scheduler.${name}`,
    reads: ['scheduler.name', 'scheduler.interval'],
    wrong: ({ scheduler }) => {
      if (scheduler.name !== schedule || scheduler.interval !== 'epoch') return null;
      const part = [scheduler[name]].flat().find((epochs) => !Number.isInteger(epochs));
      return part === undefined
        ? null
        : `${title} must be whole epochs where the rate changes with each epoch; found ${part}.`;
    },
  };
}

/** Sentences about what is allowed and yet hardly meant. */
export function remarks(job: Job, { data }: CheckContext): string[] {
  const notices: string[] = [];
  const weighs = getPath(job.loss, 'class_weights');
  if (job.training.sampling !== 'shuffle' && weighs !== undefined && weighs !== 'none') {
    notices.push(
      'training.sampling draws rare classes more often and loss.class_weights weighs them more; one of the two is usually enough.',
    );
  }
  const unjudged = data !== undefined && data.images.val === 0 && job.validation.folds === 0;
  if (unjudged && job.scheduler.name === 'plateau') {
    notices.push('No image is held out for validation, so the schedule goes by the loss of training.');
  }
  if (unjudged && job.early_stopping.enabled) {
    notices.push('No image is held out for validation, so the run cannot stop early.');
  }
  return notices;
}
