// Finds the parity files on disk: tests/fixtures/parity, or the folder that PARITY_DIR names.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TrainyardError } from '$lib/core/errors';
import { architectureOf, parseFixture } from '$lib/evaluation/parity/fixture';
import type { ParityFixture } from '$lib/evaluation/parity/fixture';

const folder = process.env.PARITY_DIR ?? join(import.meta.dirname, '..', 'fixtures', 'parity');

export interface ParityFile {
  file: string;
  model: string;
  parity: ParityFixture;
}

const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
const read = names.map((file) => ({ file, ...readFixture(file) }));

/** Every classification file. Whether its architecture is registered is the tests' to say. */
export function parityFiles(): ParityFile[] {
  return read.flatMap(({ file, parity }) => (parity === null ? [] : [{ file, parity, model: architectureOf(parity) }]));
}

/** Files of tasks that are not there yet, with the reason. */
export const OTHER_FILES = read.flatMap(({ file, reason }) => (reason === null ? [] : [{ file, reason }]));

function readFixture(file: string): { parity: ParityFixture; reason: null } | { parity: null; reason: string } {
  try {
    return { parity: parseFixture(readFileSync(join(folder, file), 'utf8'), file), reason: null };
  } catch (error) {
    if (error instanceof TrainyardError && error.code === 'parity-task') return { parity: null, reason: error.message };
    throw error;
  }
}
