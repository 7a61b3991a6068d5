// Makes a fresh checkout ready: Node, packages, the `trainyard` command and, with --chromium, a browser to drive.
// Runs before node_modules exist, so it uses Node's own modules only. Exit status 2: something only the user can mend.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from './lib/chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
// Kept inside node_modules, so that removing the folder also removes the claim that it is complete.
const STAMP = join(MODULES, '.trainyard-lock');
const OLDEST_NODE = [20, 19];
// Without a font every text would be empty boxes of the wrong width.
const APT_PACKAGES = ['chromium', 'fonts-liberation'];

/** @param {string} message @returns {never} */
function giveUp(message) {
  console.error(`trainyard: ${message}`);
  process.exit(2);
}

/**
 * @param {string} command @param {string[]} args
 * @returns {boolean} whether it ended well. Its output goes to stderr: stdout belongs to the command that follows the set-up.
 */
function run(command, args, env = process.env) {
  const { status } = spawnSync(command, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  return status === 0;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  giveUp(
    `Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}. Install it from https://nodejs.org.`,
  );
}

function installPackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');
  const installed = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : null;
  if (installed === wanted) return;
  console.error(installed === null ? 'Installing packages ...' : 'The lockfile changed; installing packages ...');
  // onnxruntime-node would otherwise download CUDA libraries, some hundred megabytes that nothing here uses.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  if (!run('npm', ['ci', '--no-audit', '--no-fund'], env)) {
    giveUp('npm ci failed, see above. Check the connection to the npm registry, then run the command again.');
  }
  writeFileSync(STAMP, wanted);
}

/** Lets `npx trainyard` find this checkout's own command; npx would otherwise ask a registry for that name. */
function linkCommand() {
  const folder = join(MODULES, '.bin');
  const link = join(folder, 'trainyard');
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(folder, { recursive: true });
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\scripts\\trainyard.mjs" %*\r\n');
    return;
  }
  rmSync(link, { force: true });
  symlinkSync('../../scripts/trainyard.mjs', link);
}

function canUseApt() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function requireChromium() {
  if (findChromium() !== null) return;
  const asked = process.env.CHROMIUM_PATH;
  if (asked) giveUp(`CHROMIUM_PATH names "${asked}", which is not an executable file. Correct or unset it.`);
  if (canUseApt()) {
    console.error('Installing Chromium with apt-get ...');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // The lists of a fresh container are empty, so the update is not optional.
    run('apt-get', ['update', '-qq'], env);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...APT_PACKAGES], env);
    if (findChromium() !== null) return;
  }
  const how =
    process.platform === 'linux'
      ? `Install it as root with "apt-get update && apt-get install ${APT_PACKAGES.join(' ')}" (or your distribution's package)`
      : 'Install Chrome or Chromium';
  giveUp(`No Chromium was found. ${how}, or set CHROMIUM_PATH to the executable.`);
}

checkNode();
installPackages();
linkCommand();
if (process.argv.includes('--chromium')) requireChromium();
