#!/usr/bin/env node
// The command line `trainyard`: drives the static build in headless Chromium. Exit status 0 done, 1 failed, 2 bad input.
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { parseCommandLine, UsageError } from './cli/arguments.mjs';
import { USAGE } from './cli/usage.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @type {Awaited<ReturnType<typeof import('./cli/host.mjs').openHost>> | null} */
let host = null;

/** @param {string} text */
const note = (text) => process.stderr.write(`${text}\n`);
/** @param {unknown} value */
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function main() {
  const request = parseCommandLine(process.argv.slice(2));
  // Imported late: these need node_modules, and --help must work without.
  const commands = request.command === 'help' ? null : await import('./cli/commands.mjs');
  if (commands === null) return void process.stdout.write(USAGE);
  if (request.command === 'version') return void process.stdout.write(`${await commands.version(root)}\n`);

  const [{ openHost }, { createProgress }, { BUILD, ensureBuild }] = await Promise.all([
    import('./cli/host.mjs'),
    import('./cli/progress.mjs'),
    import('./lib/build.mjs'),
  ]);
  const progress = createProgress(process.stderr);
  const open = async () => {
    const build = ensureBuild();
    if (!build.ok) throw new Error(`The build failed: ${build.output}`);
    return (host = await openHost({ root: BUILD, onEvent: progress.show }));
  };
  const command = request.command === 'export' ? commands.exportModel : commands[request.command];
  onInterrupt();
  try {
    await command({ ...request, open, print, note: progress.line, root });
  } finally {
    progress.end();
  }
}

/** The first Ctrl-C asks the run to stop with a checkpoint, the second ends everything. */
function onInterrupt() {
  let asked = false;
  process.on('SIGINT', () => {
    if (asked || host === null) process.exit(130);
    asked = true;
    note('\nStopping at the next step; the best weights are evaluated and exported. Press Ctrl-C again to drop them.');
    host.stop().catch(() => process.exit(130));
  });
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
  await host?.close().catch((/** @type {unknown} */ error) => note(`trainyard: ${String(error)}`));
}
process.exitCode = status;
