// Finds the parity files on disk.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MODELS } from '$lib/models/registry';
import { architectureOf } from './fixture';
import type { Parity } from './fixture';

const folder = process.env.PARITY_DIR ?? join(import.meta.dirname, '..', 'fixtures', 'parity');

/** Every classification file whose architecture is registered here, with the model's id. */
export function parityFiles(): { file: string; model: string; parity: Parity }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((file) => ({ file, parity: JSON.parse(readFileSync(join(folder, file), 'utf8')) as Parity }))
    .map(({ file, parity }) => ({ file, parity, model: architectureOf(parity) }))
    .filter(({ parity, model }) => parity.task === 'classification' && MODELS.some(({ meta }) => meta.id === model));
}
