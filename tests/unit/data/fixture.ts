// Reads the image fixtures in Node.

import { readFileSync, readdirSync } from 'node:fs';

const FOLDER = new URL('../../fixtures/images/', import.meta.url);

export function imageFixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

export function imageFixtureNames(): string[] {
  return readdirSync(FOLDER).filter((name) => !name.endsWith('.md'));
}
