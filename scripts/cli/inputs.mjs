// Checks paths of the command line and of a job before a browser is started, so that a typing error costs no waiting.
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { UsageError } from './arguments.mjs';

/** @param {string} path */
async function kindOf(path) {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other';
  } catch {
    return null;
  }
}

/**
 * A path that must exist. Relative paths count from the present folder, then from `beside` (the job file's folder).
 * @param {string} path
 * @param {{ what: string, beside?: string }} options
 */
export async function existing(path, { what, beside }) {
  const candidates =
    isAbsolute(path) || beside === undefined ? [resolve(path)] : [resolve(path), resolve(beside, path)];
  for (const candidate of candidates) {
    const kind = await kindOf(candidate);
    if (kind === 'folder' || kind === 'file') return candidate;
  }
  throw new UsageError(`${what} "${path}" does not exist. Check the path; relative ones count from ${process.cwd()}.`);
}

/**
 * A data set's path as the page takes it. Formats whose files belong together (IDX pairs, a CSV with its images) are
 * given as their folder.
 * @param {string} path
 * @param {{ what: string, beside?: string }} options
 */
export async function dataSet(path, options) {
  const found = await existing(path, options);
  return /\.(csv|gz|idx\d?-ubyte)$/i.test(found) && (await kindOf(found)) === 'file' ? dirname(found) : found;
}

/** 'owner/model', with 'hf-hub:' before it or '@revision' behind. src/lib/hub/reference.ts has the last word. */
const HUB_NAME = /^(hf[-_]hub:)?[\w.-]+\/[\w.-]+(@[\w./-]+)?$/;
const FILE_ENDING = /\.(safetensors|pth|pt|bin|ckpt|h5|hdf5|keras|onnx|json|zip)$/i;

/**
 * What `model.weights` means: a path below one of `folders`, or else something that the page downloads.
 * @param {string} reference
 * @param {readonly string[]} folders tried in this order
 * @returns {Promise<{ reference: string, path: string | null }>}
 */
export async function findWeights(reference, folders) {
  if (/^([a-z][a-z0-9+.-]*:\/\/|sha256:)/i.test(reference)) return { reference, path: null };
  for (const path of folders.map((folder) => resolve(folder, reference))) {
    const kind = await kindOf(path);
    if (kind === 'folder' || kind === 'file') return { reference, path };
  }
  if (HUB_NAME.test(reference) && !FILE_ENDING.test(reference)) return { reference, path: null };
  throw new UsageError(
    `The weights "${reference}" do not exist. Check the path (relative ones count from ${folders.map((folder) => resolve(folder)).join(', then from ')}), ` +
      'or name weights on the hub like "timm/resnet18.a1_in1k".',
  );
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function readJson(path) {
  const found = await existing(path, { what: 'The job file' });
  if ((await kindOf(found)) !== 'file') throw new UsageError(`The job file "${path}" is a folder. Name a JSON file.`);
  const text = await readFile(found, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The job file "${path}" is not valid JSON: ${reason}.`);
  }
}

/**
 * A run's folder, as `train --out` left it.
 * @param {string | undefined} directory
 * @param {string} command
 */
export async function runFolder(directory, command) {
  if (directory === undefined) throw new UsageError(`Name the folder that train made: trainyard ${command} DIR ...`);
  const folder = await existing(directory, { what: 'The run folder' });
  if ((await kindOf(resolve(folder, 'bundle.zip'))) !== 'file') {
    throw new UsageError(`"${directory}" holds no bundle.zip. Name the folder that "trainyard train ... --out" made.`);
  }
  return folder;
}
