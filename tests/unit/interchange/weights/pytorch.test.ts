// PyTorch files: everything that torch itself wrote is read to the last bit, in both formats.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { openWeights } from '$lib/interchange/weights/open';
import { findPython, runPython, skipWithout } from '../support/python';

type Expected = Readonly<Record<string, Readonly<Record<string, [shape: number[], type: string, values: number[]]>>>>;

const FIXTURES = fileURLToPath(new URL('../../../fixtures/weights/pytorch', import.meta.url));

async function expectAll(folder: string, file: string, expected: Expected[string]): Promise<void> {
  const weights = await openWeights([{ path: file, blob: new Blob([readFileSync(join(folder, file))]) }], file);
  expect(weights.format).toBe('pytorch');
  expect(weights.tensors.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
  for (const { name, shape, dtype, read } of weights.tensors) {
    const values = await read();
    expect([shape, dtype], name).toEqual([expected[name][0], expected[name][1]]);
    expect(values, name).toEqual(Float32Array.from(expected[name][2]));
  }
}

function expectedIn(folder: string): Expected {
  return JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
}

describe('files that PyTorch 1.13 wrote are read bit for bit:', () => {
  const expected = expectedIn(FIXTURES);
  test.each(Object.keys(expected))('%s', async (file) => expectAll(FIXTURES, file, expected[file]));

  test('and no file of the folder is left out', () => {
    const files = readdirSync(FIXTURES).filter((file) => /\.(pth|pt|pkl)$/.test(file));
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });
});

const torch = findPython(['torch', 'numpy']);

describe('files that the PyTorch of this machine writes', () => {
  skipWithout(torch, ['torch', 'numpy']);
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-weights-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are read bit for bit', async () => {
    runPython(torch ?? '', ['-B', join(FIXTURES, 'make.py'), folder], folder);
    const expected = expectedIn(folder);
    expect(Object.keys(expected).length).toBeGreaterThan(10);
    for (const file of Object.keys(expected)) await expectAll(folder, file, expected[file]);
  });
});
