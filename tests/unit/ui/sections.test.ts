// How a form divides a job: every field once, sections by their headings, what is looked for in sight.
import { describe, expect, it } from 'vitest';
import type { Fields } from '$lib/core/schema';
import { fieldAt } from '$lib/core/validate';
import { defaultJob } from '$lib/job/parse';
import { jobFields } from '$lib/job/schema';
import { fieldsOf, hiddenCount, sectionsOf } from '$lib/ui/form/sections';
import { catalog } from '../job/catalog';

const fields = jobFields(catalog, catalog.tasks[0], catalog.models[1]);
const job = defaultJob(catalog);

function paths(shown: Parameters<typeof sectionsOf>[2], value: unknown = job): string[] {
  return sectionsOf(fields, value, shown).flatMap((section) => fieldsOf(section).map(({ path }) => path));
}

function all(among: Fields, prefix = ''): string[] {
  return Object.entries(among).flatMap(([name, field]) =>
    field.type === 'object' ? all(field.fields, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}

describe('the sections of a job', () => {
  it('are one for each heading, in the order of the job', () => {
    expect(sectionsOf(fields, job, { advanced: true }).map(({ title }) => title)).toEqual([
      '',
      'Model',
      'Fine-tuning',
      'Data',
      'Training',
      'Image size and normalisation',
      'Augmentation',
      'Optimiser',
      'Loss',
      'Validation and stopping',
      'Device and seed',
    ]);
  });

  it('hold each field at most once, and each that the values let through', () => {
    const shown = paths({ advanced: true });
    expect(new Set(shown).size).toBe(shown.length);
    const missing = all(fields).filter((path) => !shown.includes(path));
    expect(missing.length).toBeGreaterThan(10);
    for (const path of missing) expect(fieldAt(fields, path)?.visibleWhen).toBeDefined();
  });

  it('hide advanced fields, and those inside an advanced object', () => {
    const shown = paths({ advanced: false });
    expect(shown).toContain('optimizer.learning_rate');
    expect(shown).not.toContain('optimizer.betas');
    expect(shown).not.toContain('augment.blur.probability');
    expect(hiddenCount(fields, job)).toBe(paths({ advanced: true }).length - shown.length);
  });

  it('show what a switch or a number above zero lets through', () => {
    const value = { ...job, ema: { decay: 0.9, warmup: true } };
    expect(paths({ advanced: true })).not.toContain('ema.warmup');
    expect(paths({ advanced: true }, value)).toContain('ema.warmup');
  });

  it('can be searched by the words of name, help, path and options, advanced or not', () => {
    expect(paths({ advanced: false, words: 'warm-up epochs' })).toContain('scheduler.warmup_epochs');
    expect(paths({ advanced: false, words: 'RandAugment' })).toEqual(['augment.policy.name']);
    expect(paths({ advanced: false, words: 'clip_value' })).toEqual(['optimizer.clip_value']);
    expect(paths({ advanced: false, words: 'no such words' })).toEqual([]);
  });

  it('can be those alone that differ from a base', () => {
    const value = { ...job, seed: 5, optimizer: { ...job.optimizer, betas: [0.8, 0.99] } };
    expect(paths({ advanced: false, base: job }, value)).toEqual(['optimizer.betas', 'seed']);
  });
});
