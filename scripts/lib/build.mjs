// Builds the static site when its sources are newer than the last build. Shared by `npm start`, the command line and the tests.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD = join(ROOT, 'build');
const STAMP = join(BUILD, '.trainyard-sources');
const SOURCES = [
  'src',
  'workers',
  'models',
  'static',
  'scripts/vite',
  'scripts/lib/headers.mjs',
  'scripts/lib/hub.mjs',
  'scripts/precache.mjs',
  'svelte.config.js',
  'vite.config.ts',
  'package-lock.json',
];

/** @param {string} path @returns {string[]} */
function filesUnder(path) {
  const info = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (info === undefined) return [];
  if (info.isFile()) return [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}

/** A hash of every source's content, of BASE_PATH and of TRAINYARD_HUB. Content, not dates: a checkout sets the dates anew. */
function sourceHash() {
  const hash = createHash('sha256').update(`${process.env.BASE_PATH ?? ''}\0${process.env.TRAINYARD_HUB ?? ''}`);
  for (const path of SOURCES.flatMap(filesUnder)) hash.update(`\0${path}\0`).update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

/**
 * Builds unless the build is up to date. With `verbose` the tools write to this process's output, otherwise `output` has what they said.
 * @param {{ verbose?: boolean, force?: boolean }} [options]
 * @returns {{ ok: boolean, built: boolean, output: string }}
 */
export function ensureBuild({ verbose = false, force = false } = {}) {
  // Taken before the build, so that a file edited during it makes the build stale.
  const hash = sourceHash();
  if (!force && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash)
    return { ok: true, built: false, output: '' };
  let output = '';
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  for (const args of [
    [vite, 'build', ...(verbose ? [] : ['--logLevel', 'warn'])],
    [join(ROOT, 'scripts/precache.mjs')],
  ]) {
    const step = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      // Under Vitest NODE_ENV is 'test', which Vite would take for a development build.
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: verbose ? 'inherit' : 'pipe',
    });
    output += `${step.stdout ?? ''}${step.stderr ?? ''}`;
    if (step.status !== 0) return { ok: false, built: true, output };
  }
  writeFileSync(STAMP, hash);
  return { ok: true, built: true, output };
}
