// The fields of a job that say how long it trains, in what portions, and what joins in. Data alone.

import type { Fields } from '$lib/core/schema';

export const TRAINING = {
  type: 'object',
  title: 'Training',
  help: 'How long and in what portions.',
  group: 'Training',
  fields: {
    epochs: {
      type: 'integer',
      title: 'Epochs',
      help: 'How often training sees every image.',
      unit: 'epochs',
      default: 30,
      minimum: 1,
      maximum: 10000,
    },
    batch_size: {
      type: 'integer',
      title: 'Batch size',
      help: 'Images per step. Larger is faster on a big device and needs more memory.',
      unit: 'images',
      default: 64,
      minimum: 1,
      maximum: 4096,
    },
    accumulate: {
      type: 'integer',
      title: 'Parts of a batch',
      help: 'Gradient accumulation: a batch is computed in this many parts one after the other, which takes as little memory as one part. The step is the same but for batch norms, which see a part at a time. 1 is off.',
      advanced: true,
      default: 1,
      minimum: 1,
      maximum: 256,
    },
    sampling: {
      type: 'choice',
      title: 'Sampling',
      help: 'How often the images of each class come up in an epoch.',
      advanced: true,
      default: 'shuffle',
      options: [
        { value: 'shuffle', title: 'Each once', help: 'Every image once an epoch, in random order.' },
        {
          value: 'square_root',
          title: 'Rare classes more often',
          help: 'Half-way to balanced: a class comes up in proportion to the root of its images. Drawn with replacement.',
        },
        {
          value: 'balanced',
          title: 'Every class as often',
          help: 'Each class is as frequent as any other. Drawn with replacement, so images of rare classes repeat.',
        },
      ],
    },
  },
} as const satisfies Fields[string];

export const EMA = {
  type: 'object',
  title: 'Averaged weights',
  help: 'A running average of the weights (exponential moving average), which is validated, kept as the best and exported in their place.',
  group: 'Training',
  fields: {
    decay: {
      type: 'number',
      title: 'Average of the weights',
      help: 'Share of the average that each step keeps: 0.999 averages about the last 1,000 steps. 0 is off.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 1,
      exclusiveMaximum: true,
      step: 0.0001,
    },
    warmup: {
      type: 'boolean',
      title: 'Shorter average at first',
      help: 'Early on the decay is (1 + step) / (10 + step), so that the random start is soon forgotten.',
      advanced: true,
      default: true,
      visibleWhen: { decay: { above: 0 } },
    },
  },
} as const satisfies Fields[string];

export const MIX = {
  type: 'object',
  title: 'Mixed images',
  help: 'Each image of a batch is mixed with another one, and its label with the other one’s.',
  group: 'Augmentation',
  fields: {
    mixup: {
      type: 'number',
      title: 'Mixup',
      help: 'Two images are laid over each other. Alpha of the Beta distribution of their shares: 0.2 mixes a little, 1 anything. 0 is off.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 10,
      step: 0.1,
    },
    cutmix: {
      type: 'number',
      title: 'CutMix',
      help: 'A rectangle of an image is replaced by that of another one. Alpha of the Beta distribution of its area, 1 is usual. 0 is off. With mixup as well, each batch takes one of the two by chance.',
      advanced: true,
      default: 0,
      minimum: 0,
      maximum: 10,
      step: 0.1,
    },
    probability: {
      type: 'number',
      title: 'Mixed batches',
      help: 'Share of the batches that are mixed, where mixup or CutMix is on.',
      advanced: true,
      default: 1,
      minimum: 0,
      maximum: 1,
      step: 0.1,
    },
  },
} as const satisfies Fields[string];

/** A run that could be learnt from. */
export interface TeacherRun {
  id: string;
  name: string;
}

/** With the runs to choose from where they are known, as on the page; else the teacher is given as text. */
export function distillation(teachers?: readonly TeacherRun[]): Fields[string] {
  if (teachers === undefined) return DISTILLATION;
  const { teacher, ...rest } = DISTILLATION.fields;
  const options = [
    { value: '', title: teachers.length > 0 ? 'None' : 'None (no other run has these classes)' },
    ...teachers.map(({ id, name }) => ({ value: `run:${id}`, title: name })),
  ];
  return { ...DISTILLATION, fields: { teacher: { ...teacher, type: 'choice', options }, ...rest } };
}

const DISTILLATION = {
  type: 'object',
  title: 'Distillation',
  help: 'The net also learns from the answers of another run, its teacher (knowledge distillation).',
  group: 'Loss',
  fields: {
    teacher: {
      type: 'string',
      title: 'Teacher',
      help: 'The run to learn from, run:<id>, with the same classes; on the command line the folder of a run that was trained with --keep. Empty is off.',
      advanced: true,
      default: '',
    },
    temperature: {
      type: 'number',
      title: 'Temperature',
      help: 'Both answers are softened by this before they are compared; higher shows more of what the teacher finds alike.',
      advanced: true,
      default: 4,
      minimum: 0.1,
      maximum: 50,
      step: 0.5,
    },
    weight: {
      type: 'number',
      title: 'Share of the teacher',
      help: 'Share of the loss that comes from the teacher; the rest comes from the labels.',
      advanced: true,
      default: 0.5,
      minimum: 0,
      maximum: 1,
      step: 0.05,
    },
  },
} as const satisfies Fields[string];
