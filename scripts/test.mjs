// `npm test`: format, lint, types, unit, build, browser and end-to-end tests in this order, all of them also after a failure.
// `npm test -- node e2e` runs only the named steps, --long makes tests that repeat something repeat it more often. The last line is the sum.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD, ROOT, ensureBuild } from './lib/build.mjs';

/** @typedef {import('./lib/count-reporter.mjs').Counts} Counts */

const folder = mkdtempSync(join(tmpdir(), 'trainyard-test-'));
const node = process.execPath;
const kit = ['node_modules/@sveltejs/kit/svelte-kit.js', 'sync'];

/** @param {string[]} args @param {Record<string, string>} [extra] */
function run(args, extra = {}) {
  return spawnSync(node, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...extra } }).status === 0;
}

/** A step that is one test. @param {string} name @param {() => boolean} body @returns {Counts} */
function one(name, body) {
  return body() ? { passed: 1, failed: [], skipped: [] } : { passed: 0, failed: [name], skipped: [] };
}

/** @param {string} project @returns {Counts} */
function vitest(project) {
  const path = join(folder, `${project}.json`);
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/lib/count-reporter.mjs')}`];
  const ok = run(['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...reporters], {
    TRAINYARD_COUNTS: path,
  });
  if (!existsSync(path)) return { passed: 0, failed: [`${project} tests (ended without a result)`], skipped: [] };
  /** @type {Counts} */
  const counts = JSON.parse(readFileSync(path, 'utf8'));
  if (!ok && counts.failed.length === 0) counts.failed.push(`${project} tests (failed without naming a test)`);
  if (counts.passed + counts.failed.length === 0) counts.failed.push(`${project} tests (none was found)`);
  return counts;
}

function build() {
  const result = ensureBuild();
  if (!result.ok) console.error(result.output);
  return result.ok && existsSync(join(BUILD, 'index.html'));
}

/** @type {Record<string, () => Counts>} */
const STEPS = {
  format: () =>
    one('format', () => run(['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'])),
  lint: () => one('lint', () => run(kit) && run(['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'])),
  check: () =>
    one(
      'check',
      () =>
        run(kit) &&
        run(['node_modules/svelte-check/bin/svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings']) &&
        run(['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'workers/tsconfig.json']),
    ),
  node: () => vitest('node'),
  build: () => one('build', build),
  browser: () => vitest('browser'),
  e2e: () => vitest('e2e'),
};

if (process.argv.includes('--long')) process.env.TRAINYARD_LONG = '1';
const asked = process.argv.slice(2).filter((argument) => argument !== '--long');
const unknown = asked.filter((name) => STEPS[name] === undefined);
if (unknown.length > 0) {
  console.error(`trainyard: No test step is called "${unknown[0]}". Choose from ${Object.keys(STEPS).join(', ')}.`);
  process.exit(2);
}

let passed = 0;
/** @type {string[]} */
const failed = [];
/** @type {Counts['skipped']} */
const skipped = [];
for (const name of asked.length > 0 ? asked : Object.keys(STEPS)) {
  const started = Date.now();
  console.log(`\n== ${name}`);
  const counts = STEPS[name]();
  passed += counts.passed;
  failed.push(...counts.failed);
  skipped.push(...counts.skipped);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`== ${name}: ${counts.passed} passed, ${counts.failed.length} failed, ${seconds} s`);
}
rmSync(folder, { recursive: true, force: true });

for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failed.length > 0 ? 1 : 0;
