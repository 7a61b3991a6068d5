// What each version of the job added, as data: jobs of an older version, in files and in storage, run with these as they did before.
// A released table is never edited; what a later version adds gets a table of its own.

import { getPath, isObject, setPath } from '../core/path';

/** By dotted path: the values that do what version 1 did. */
export const ADDED_IN_2: Readonly<Record<string, unknown>> = {
  'training.accumulate': 1,
  'training.sampling': 'shuffle',
  ema: { decay: 0, warmup: true },
  mix: { mixup: 0, cutmix: 0, probability: 1 },
  distillation: { teacher: null, temperature: 4, weight: 0.5 },
  'augment.translate': 0,
  'augment.scale': [1, 1],
  'augment.shear': 0,
  'augment.perspective': 0,
  'augment.fill': 'black',
  'augment.grayscale': 0,
  'augment.blur': { probability: 0, sigma: [0.1, 2] },
  'augment.sharpen': { probability: 0, amount: 2 },
  'augment.noise': { probability: 0, deviation: 0.05 },
  'augment.jpeg': { probability: 0, quality: [30, 90] },
  'augment.cutout': { probability: 0, size: 0.25 },
  'augment.erasing': { probability: 0, area: [0.02, 0.33], ratio: [0.3, 3.3], fill: 'black' },
  'augment.policy': { name: 'none', operations: 2, magnitude: 9 },
  'optimizer.amsgrad': false,
  'optimizer.alpha': 0.99,
  'optimizer.clip_value': 0,
  'optimizer.layer_rates': '',
  'scheduler.interval': 'step',
  'scheduler.warmup_start': 0.1,
  'scheduler.step_epochs': 10,
  'scheduler.milestones': [],
  'scheduler.gamma': 0.1,
  'scheduler.restart_epochs': 10,
  'scheduler.restart_factor': 1,
  'scheduler.power': 1,
  'scheduler.patience': 5,
  'scheduler.factor': 0.5,
  'scheduler.threshold': 1e-4,
  'scheduler.cooldown': 0,
  'validation.every_steps': 0,
  'validation.folds': 0,
  'validation.fold': 0,
  'checkpoints.every_epochs': 0,
  'checkpoints.top_k': 0,
  'checkpoints.autosave_seconds': 30,
  monitoring: { norms_every: 0 },
  'engine.memory_check': true,
};

/**
 * The document with what version 2 added where it says nothing itself, and without what version 1 read past: its one-cycle schedule had no
 * warm-up, and only its cosine a lowest rate. What cannot hold the additions (a section that is no object) stays for validation to name.
 * Pure.
 */
export function withAddedIn2(job: unknown): unknown {
  const added = Object.entries(ADDED_IN_2).reduce<unknown>(
    (next, [path, value]) =>
      getPath(next, path) === undefined && canHold(next, path) ? setPath(next, path, value) : next,
    setPath(job, 'version', 2),
  );
  return ignoredIn1(job).reduce<unknown>((next, path) => setPath(next, path, 0), added);
}

/** Paths whose values a job of version 1 names without effect, and that would have one now. */
export function ignoredIn1(job: unknown): readonly string[] {
  const name = getPath(job, 'scheduler.name') ?? 'one_cycle';
  const unread = [
    ...(name === 'one_cycle' ? ['scheduler.warmup_epochs'] : []),
    ...(name === 'cosine' ? [] : ['scheduler.minimum_rate']),
  ];
  return unread.filter((path) => {
    const value = getPath(job, path);
    return typeof value === 'number' && value !== 0;
  });
}

function canHold(document: unknown, path: string): boolean {
  const parents = path.split('.').slice(0, -1);
  return parents.every((_, depth) => {
    const parent = getPath(document, parents.slice(0, depth + 1).join('.'));
    return parent === undefined || isObject(parent);
  });
}
