// docs/troubleshooting.md knows every error code of the program, and none that is gone.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|svelte)$/.test(name))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'));
}

const codes = new Set(
  ['src', 'workers', 'models']
    .flatMap(sources)
    .flatMap((text) => [...text.matchAll(/(?:new TrainyardError|super)\(\s*'([a-z0-9-]+)'/g)])
    .map(([, code]) => code),
);
const guide = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const described = new Set([...guide.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)*)`/g)].map(([, code]) => code));

it('describes every error code', () => {
  expect(codes.size).toBeGreaterThan(50);
  expect([...codes].filter((code) => !described.has(code))).toEqual([]);
});

it('describes no code that is gone', () => {
  // 'internal' is given by serializeError to what nobody expected.
  const listed = [...guide.matchAll(/^\| ((?:`[a-z0-9-]+`(?:, )?)+) +\|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code),
  );
  expect(listed.length).toBeGreaterThan(40);
  expect(listed.filter((code) => !codes.has(code) && code !== 'internal')).toEqual([]);
});
