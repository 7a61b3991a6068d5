import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../scripts/cli/arguments.mjs';
import { dataSet, existing, readJson, runFolder } from '../../../scripts/cli/inputs.mjs';

let work: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'trainyard-inputs-'));
  mkdirSync(join(work, 'jobs', 'images'), { recursive: true });
  mkdirSync(join(work, 'run'));
  mkdirSync(join(work, 'empty'));
  for (const name of ['set.zip', 'labels.csv', 'train-images-idx3-ubyte.gz', 'run/bundle.zip']) {
    writeFileSync(join(work, name), '');
  }
  writeFileSync(join(work, 'good.json'), '{"version": 1}');
  writeFileSync(join(work, 'bad.json'), '{"version": ');
});

afterAll(() => rmSync(work, { recursive: true }));

const WHAT = { what: 'The data' };

describe('a path', () => {
  it('counts from the present folder, then from the job file', async () => {
    expect(await existing(join(work, 'set.zip'), WHAT)).toBe(join(work, 'set.zip'));
    const fromHere = relative(process.cwd(), join(work, 'set.zip'));
    expect(await existing(fromHere, WHAT)).toBe(join(work, 'set.zip'));
    expect(await existing('images', { ...WHAT, beside: join(work, 'jobs') })).toBe(join(work, 'jobs', 'images'));
  });

  it('that does not exist is named with the remedy', async () => {
    await expect(existing('nowhere', WHAT)).rejects.toThrow(UsageError);
    await expect(existing('nowhere', WHAT)).rejects.toThrow(
      `The data "nowhere" does not exist. Check the path; relative ones count from ${process.cwd()}.`,
    );
  });
});

describe('a data set', () => {
  it('is the folder around files that belong together, and the file itself otherwise', async () => {
    expect(await dataSet(join(work, 'train-images-idx3-ubyte.gz'), WHAT)).toBe(work);
    expect(await dataSet(join(work, 'labels.csv'), WHAT)).toBe(work);
    expect(await dataSet(join(work, 'set.zip'), WHAT)).toBe(join(work, 'set.zip'));
    expect(await dataSet(work, WHAT)).toBe(work);
  });
});

describe('a job file', () => {
  it('is read as JSON', async () => {
    expect(await readJson(join(work, 'good.json'))).toEqual({ version: 1 });
  });

  it('that is broken, missing or a folder is named', async () => {
    await expect(readJson(join(work, 'bad.json'))).rejects.toThrow(/The job file ".*bad\.json" is not valid JSON: /);
    await expect(readJson(join(work, 'none.json'))).rejects.toThrow(/The job file ".*none\.json" does not exist/);
    await expect(readJson(work)).rejects.toThrow(/is a folder\. Name a JSON file\./);
  });
});

describe('a run folder', () => {
  it('is what train made', async () => {
    expect(await runFolder(join(work, 'run'), 'predict')).toBe(join(work, 'run'));
  });

  it('without a bundle, or not named at all, is refused with the remedy', async () => {
    await expect(runFolder(join(work, 'empty'), 'predict')).rejects.toThrow(
      'holds no bundle.zip. Name the folder that "trainyard train ... --out" made.',
    );
    await expect(runFolder(undefined, 'export')).rejects.toThrow(
      'Name the folder that train made: trainyard export DIR ...',
    );
  });
});
