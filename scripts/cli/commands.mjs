// What each command does, from paths to the page's calls and back to files and stdout.
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from './arguments.mjs';
import { clearCache, sizeOf } from './cache.mjs';
import { dataSet, existing, findWeights, readJson, runFolder } from './inputs.mjs';
import { RunFile, runsIn } from './run-file.mjs';
import { bringWeights } from './train.mjs';

export { demo, extend, resume, sweep, train } from './train.mjs';

/**
 * @typedef {Awaited<ReturnType<typeof import('./host.mjs').openHost>>} Host
 * @typedef {{ keep?: boolean, beside?: string, cache?: string, must?: boolean }} OpenOptions see trainyard.mjs
 * @typedef {object} Context
 * @property {string[]} positionals
 * @property {Record<string, string>} flags
 * @property {(options?: OpenOptions) => Promise<Host>} open
 * @property {(value: unknown) => void} print To stdout.
 * @property {(text: string) => void} note To stderr.
 * @property {string | null} cache
 * @property {string} root
 */

/** @param {Context} context */
export async function weights({ positionals, flags, open, print }) {
  const [reference, ...more] = positionals;
  if (reference === undefined || more.length > 0) {
    throw new UsageError('Name one file, folder, address or name on the hub: trainyard weights WHAT [--model NAME].');
  }
  const classes = flags.classes === undefined ? null : Number(flags.classes);
  if (classes !== null && !(Number.isInteger(classes) && classes > 0)) {
    throw new UsageError(`--classes is "${flags.classes}". Use a number of 1 or more.`);
  }
  const found = await findWeights(reference, ['.']);
  const host = await open({ keep: true });
  const { id } = await bringWeights(host, found);
  print(await host.call('describeWeights', { id, model: flags.model ?? null, classes }));
}

/** @param {Context} context */
export async function cache({ positionals, open, print, note, cache: folder }) {
  const [action, ...more] = positionals;
  if ((action !== undefined && action !== 'clear') || more.length > 0) {
    throw new UsageError('Use "trainyard cache" to list what is kept, "trainyard cache clear" to delete it.');
  }
  if (folder === null) throw new UsageError('There is no cache: TRAINYARD_CACHE is "off". Name one with --cache DIR.');
  if (action === 'clear') {
    const bytes = await sizeOf(join(folder, 'profile'));
    const runs = await runsIn(folder);
    const cleared = await clearCache(folder);
    if (cleared) for (const { out, state } of runs) await new RunFile(out, { ...state, cache: null }).write();
    for (const { out, state } of runs) note(`${out}: its ${state.state} run is gone with it`);
    note(cleared ? `${folder}: ${Math.ceil(bytes / 1e6)} MB deleted` : `${folder}: nothing is kept there`);
    return;
  }
  const diskBytes = await sizeOf(join(folder, 'profile'));
  const nothing = { weights: [], downloads: [], features: [], bytes: 0, runs: [] };
  if (diskBytes === 0) return print({ folder, disk_bytes: 0, ...nothing });
  const host = await open({ keep: true });
  if (!host.kept) throw new Error(`The cache ${folder} cannot be read now.`);
  const runs = (await runsIn(folder)).map(({ out, state }) => ({ out, state: state.state, run: state.run }));
  print({ folder, disk_bytes: diskBytes, ...(await host.call('listKept')), runs });
}

/** @param {Context} context */
export async function evaluate({ positionals, flags, open, print }) {
  const folder = await runFolder(positionals[0], 'evaluate');
  if (flags.data === undefined) throw new UsageError('Say what to evaluate on: --data PATH.');
  const data = await dataSet(flags.data, { what: 'The data' });
  const model = await modelInputs(folder, flags.checkpoint);
  const host = await open();
  await host.give([...model, { prefix: 'data', path: data }]);
  const { data: job, seed } = await readJson(join(folder, 'job.json'));
  const { source, val, test, stratified } = job.split;
  print(
    await host.call('evaluate', {
      split: flags.split ?? 'test',
      checkpoint: flags.checkpoint ?? 'best',
      device: flags.device ?? 'auto',
      settings: { source: source === 'fractions' ? source : 'folders', val, test, stratified, seed },
    }),
  );
}

/** @param {Context} context */
export async function predict({ positionals, flags, open, print }) {
  const [directory, ...images] = positionals;
  const folder = await runFolder(directory, 'predict');
  if (images.length === 0) throw new UsageError('Name at least one image: trainyard predict DIR IMAGE...');
  const inputs = await modelInputs(folder, flags.checkpoint);
  for (const image of images) {
    inputs.push({ prefix: `images/${image}`, path: await existing(image, { what: 'The image' }) });
  }
  const host = await open();
  await host.give(inputs);
  const { predictions, unreadable } = await host.call('predict', { device: flags.device ?? 'auto' });
  for (const prediction of predictions) print(prediction);
  if (unreadable.length > 0) {
    const list = unreadable.map(
      (/** @type {{image: string, reason: string}} */ one) => `"${one.image}": ${one.reason}`,
    );
    throw new UsageError(`${list.join(' ')} Replace the file or leave it out.`);
  }
}

/** @param {Context} context */
export async function exportModel({ positionals, flags, open, print }) {
  const folder = await runFolder(positionals[0], 'export');
  const known = ['onnx', 'tfjs', 'safetensors', 'pytorch'];
  const formats = (flags.format ?? known.join(',')).split(',').map((text) => text.trim());
  const unknown = formats.find((format) => !known.includes(format));
  if (unknown !== undefined) {
    throw new UsageError(`--format names "${unknown}". Use one or more of ${known.join(', ')}, with commas between.`);
  }
  const inputs = await modelInputs(folder, flags.checkpoint);
  const out = resolve(flags.out ?? folder);
  await mkdir(out, { recursive: true });
  const host = await open();
  host.writeTo(out);
  await host.give(inputs);
  const report = await host.call('export', { formats });
  print(report);
  if (report.formats.some((/** @type {{ status: string }} */ one) => one.status === 'failed')) {
    throw new Error('At least one format did not agree with the trained model and was not written.');
  }
}

/**
 * @param {string} folder
 * @param {string | undefined} checkpoint
 */
async function modelInputs(folder, checkpoint) {
  const inputs = [{ prefix: 'bundle', path: join(folder, 'bundle.zip') }];
  if (checkpoint === undefined || checkpoint === 'best') return inputs;
  return [...inputs, { prefix: 'weights', path: await checkpointFile(folder, checkpoint) }];
}

/** A number is an epoch, for whatever reason it was kept. @param {string} folder @param {string} checkpoint */
async function checkpointFile(folder, checkpoint) {
  const names = /^\d+$/.test(checkpoint) ? [`epoch-${checkpoint}`, `top-${checkpoint}`] : [checkpoint];
  for (const name of names) {
    const path = join(folder, 'checkpoints', `${name}.safetensors`);
    if ((await stat(path).catch(() => null))?.isFile()) return path;
  }
  const kept = await readdir(join(folder, 'checkpoints')).catch(() => []);
  const list = kept.map((name) => name.replace(/\.safetensors$/, '')).sort();
  throw new UsageError(`The checkpoint "${checkpoint}" does not exist. Kept: ${list.join(', ') || 'none'}.`);
}

/** @param {Context} context */
export async function models({ open, print }) {
  const host = await open();
  print(await host.call('models'));
}

/** @param {Context} context */
export async function doctor({ flags, open, print }) {
  const host = await open();
  print(await host.call('doctor', { device: flags.device ?? 'auto' }));
}

/** A parity file is tens of kilobytes. */
const LARGEST_PARITY_BYTES = 16e6;

/** @param {Context} context */
export async function parity({ positionals, flags, open, print, note }) {
  if (positionals.length === 0) throw new UsageError('Name at least one parity file: trainyard parity FILE...');
  const files = [];
  for (const file of positionals) {
    const path = await existing(file, { what: 'The parity file' });
    const { size } = await stat(path);
    if (size > LARGEST_PARITY_BYTES)
      throw new UsageError(`"${file}" is too large for a parity file. See docs/parity.md.`);
    files.push({ file, text: await readFile(path, 'utf8') });
  }
  const host = await open();
  await host.call('checkParity', { files });
  let failed = 0;
  for (const one of files) {
    note(`${one.file}: comparing with PyTorch`);
    const report = await host.call('parity', { ...one, device: flags.device ?? 'auto' });
    print(report);
    if (!report.passed) failed++;
  }
  if (failed > 0) throw new Error(`${failed} of ${files.length} files are over tolerance; "failures" says where.`);
}

/** @param {Context} context */
export async function bench({ open, print }) {
  const host = await open();
  print(await host.call('bench'));
}
