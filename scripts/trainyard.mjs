#!/usr/bin/env node
// The command line `trainyard`: drives the static build in headless Chromium. Exit status 0 done, 1 failed, 2 bad input.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommandLine, UsageError } from './cli/arguments.mjs';
import { USAGE } from './cli/usage.mjs';
import { parseHub } from './lib/hub.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @type {{ host: import('./cli/commands.mjs').Host | null }} */
const opened = { host: null };

/** @param {string} text */
const note = (text) => process.stderr.write(`${text}\n`);
/** @param {unknown} value */
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function main() {
  const { command, ...request } = parseCommandLine(process.argv.slice(2));
  if (command === 'help') return void process.stdout.write(USAGE);
  if (command === 'version') return void process.stdout.write(`${readVersion()}\n`);

  // Imported late: these need node_modules, and --help must work without.
  const [commands, { cacheFolder }, { openHost }, { createProgress }, { BUILD, ensureBuild }] = await Promise.all([
    import('./cli/commands.mjs'),
    import('./cli/cache.mjs'),
    import('./cli/host.mjs'),
    import('./cli/progress.mjs'),
    import('./lib/build.mjs'),
  ]);
  const progress = createProgress(process.stderr, { json: request.flags.progress === 'json' });
  // Here it replaces the hub as --hub does; the build is made for every hub.
  const hub = request.flags.hub ?? process.env.TRAINYARD_HUB;
  delete process.env.TRAINYARD_HUB;
  if (hub) checkHub(hub);
  const cache = cacheFolder(request.flags);
  /**
   * `keep`: with what earlier commands have downloaded. `beside`: what is stored outlives the command in that folder where there is
   * no cache. `cache`: another one than the command's; `must`: what it holds is needed.
   * @param {import('./cli/commands.mjs').OpenOptions} [options]
   */
  const open = async ({ keep = false, beside, cache: other, must } = {}) => {
    const build = ensureBuild();
    if (!build.ok) throw new Error(`The build failed: ${build.output}`);
    return (opened.host = await openHost({
      root: BUILD,
      hub: hub || undefined,
      cache: keep ? (other ?? cache) : null,
      beside,
      must,
      onEvent: progress.show,
      note: progress.line,
    }));
  };
  const body = command === 'export' ? commands.exportModel : commands[command];
  onInterrupt(['train', 'sweep', 'demo', 'resume', 'extend'].includes(command));
  try {
    await body({ ...request, open, print, note: progress.line, root, cache });
  } finally {
    progress.end();
  }
}

/** Before a browser is started. @param {string} hub */
function checkHub(hub) {
  try {
    parseHub(hub);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

const STOPPING_RUN =
  'Stopping at the next step; the best weights are evaluated and exported. Press Ctrl-C again to end at once.';
const STOPPING = 'Stopping. Press Ctrl-C again to end at once.';

/** The first signal asks the work to stop, a run with a checkpoint; the second ends everything. @param {boolean} trains */
function onInterrupt(trains) {
  let asked = false;
  const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };
  for (const [signal, number] of Object.entries(numbers)) {
    process.on(signal, () => {
      const { host } = opened;
      if (asked || host === null) process.exit(128 + number);
      asked = true;
      note(`\n${trains ? STOPPING_RUN : STOPPING}`);
      host.stop().catch(() => process.exit(128 + number));
    });
  }
}

/** @param {unknown} error */
function report(error) {
  const message = error instanceof Error ? error.message : String(error);
  note(`trainyard: ${message.replaceAll(/\s*\n\s*/g, ' ')}`);
  const data =
    error instanceof Error && 'data' in error
      ? /** @type {{ badInput?: boolean, stack?: string }} */ (error.data)
      : null;
  const bad = error instanceof UsageError || data?.badInput === true;
  if (!bad && process.env.TRAINYARD_DEBUG) note(data?.stack ?? (error instanceof Error ? (error.stack ?? '') : ''));
  return bad ? 2 : 1;
}

let status = 0;
try {
  await main();
} catch (error) {
  status = report(error);
} finally {
  await opened.host?.close().catch((/** @type {unknown} */ error) => note(`trainyard: ${String(error)}`));
}
process.exitCode = status;
