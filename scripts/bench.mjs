// `npm run bench`: measures through the command line, and loading of weights in Node; writes the table to runs/bench.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts/trainyard.mjs'), 'bench'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
});
if (status !== 0) process.exit(status ?? 1);

/** @type {{ what: string, value: number | null, unit: string, note: string }[]} */
const rows = [...JSON.parse(stdout), ...weightsRows()];

/** Missed goals are printed by the benchmark itself; the numbers are in the table all the same. */
function weightsRows() {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-bench-'));
  const out = join(folder, 'rows.jsonl');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  spawnSync(process.execPath, [vitest, 'run', '--config', join(ROOT, 'tests/bench/weights.config.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, TRAINYARD_BENCH_OUT: out },
  });
  const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : [];
  rmSync(folder, { recursive: true });
  return lines.map((line) => JSON.parse(line));
}

const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
/** @param {number} value */
const rounded = (value) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
const lines = [
  `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Node ${process.versions.node}.`,
  '',
  '| what | value | on |',
  '| --- | --- | --- |',
  ...rows.map(
    ({ what, value, unit, note }) => `| ${what} | ${value === null ? '-' : `${rounded(value)} ${unit}`} | ${note} |`,
  ),
  '',
];
mkdirSync(join(ROOT, 'runs'), { recursive: true });
writeFileSync(join(ROOT, 'runs/bench.md'), lines.join('\n'));
console.log(lines.join('\n'));
