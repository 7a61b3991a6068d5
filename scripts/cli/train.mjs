// `trainyard train`, `demo` and `resume`: from a job to its results, also through the death of a browser or of this process.
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from './arguments.mjs';
import { BrowserEnded, PageFailure } from './host.mjs';
import { dataSet, existing, findWeights, readJson } from './inputs.mjs';
import { readRunState, RunFile } from './run-file.mjs';

/**
 * @typedef {import('./commands.mjs').Context} Context
 * @typedef {import('./commands.mjs').Host} Host
 * @typedef {import('./run-file.mjs').RunRequest} RunRequest
 * @typedef {{ status: string, evaluation: unknown }} Trained
 * @typedef {{ tensorboard?: boolean, mlflow?: boolean }} ResultOptions
 */

/** @param {unknown} value */
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {Context} context */
export async function train(context) {
  const [jobPath, ...overrides] = context.positionals;
  checkSettings(overrides);
  await trainJob(context, 'train', jobPath, overrides, null);
}

/**
 * Many runs of one job. What varies is a document, `field=a,b,c` or --folds; settings with one value hold for all.
 * @param {Context} context
 */
export async function sweep(context) {
  const [jobPath, ...rest] = context.positionals;
  const { flags } = context;
  const documents = rest.filter((text) => /\.json$/i.test(text) && !/^[\w.]+=/.test(text));
  const settings = rest.filter((text) => !documents.includes(text));
  checkSettings(settings);
  const folds = flags.folds === undefined ? null : positive('--folds', flags.folds);
  // A list in brackets is one value.
  const varied = settings.filter((text) =>
    text
      .slice(text.indexOf('=') + 1)
      .replaceAll(/\[[^\]]*\]|"[^"]*"/g, '')
      .includes(','),
  );
  const kinds = [documents.length > 0, varied.length > 0, folds !== null].filter(Boolean).length;
  if (jobPath === undefined || kinds !== 1 || documents.length > 1) {
    throw new UsageError(
      'Say what varies, in one way: trainyard sweep JOB.json field=a,b,c | SWEEP.json | --folds K --out DIR.',
    );
  }
  /** @type {import('./run-file.mjs').SweepText} */
  const text =
    folds !== null
      ? { kind: 'folds', folds }
      : documents.length > 0
        ? { kind: 'document', document: await readJson(documents[0]) }
        : { kind: 'settings', settings: varied };
  const overrides = settings.filter((text) => !varied.includes(text));
  await trainJob(context, 'sweep', jobPath, overrides, text);
}

/**
 * @param {Context} context
 * @param {'train' | 'sweep'} command
 * @param {string | undefined} jobPath
 * @param {string[]} given
 * @param {import('./run-file.mjs').SweepText | null} text
 */
async function trainJob(context, command, jobPath, given, text) {
  const { flags } = context;
  const overrides = [...given];
  if (jobPath === undefined) {
    throw new UsageError(`Name a job file: trainyard ${command} JOB.json --data PATH --out DIR.`);
  }
  if (flags.out === undefined) throw new UsageError('Say where the results go: --out DIR.');
  const document = await readJob(jobPath);
  if (flags.data !== undefined) {
    await existing(flags.data, { what: 'The data' });
    overrides.push(`data=${JSON.stringify(flags.data)}`);
  }
  if (flags.device !== undefined) overrides.push(`engine.device=${flags.device}`);
  const out = resolve(flags.out);
  await refuseUnfinished(out, flags);
  const host = await context.open({ keep: true, beside: out });
  const { data, weights, teacher } = await host.call('prepare', { document, overrides });
  const inputs = await jobInputs(data, dirname(resolve(jobPath)));
  const folders = weightsFolders(jobPath, overrides);
  const found = weights === null ? null : await findWeights(weights, folders);
  if (teacher !== null) overrides.push(await teacherSetting(teacher, folders, host.place));
  await complete(context, host, out, {
    command,
    document,
    overrides,
    inputs,
    weights: found,
    sweep: text,
  });
}

/** @param {Context} context */
export async function demo(context) {
  const { flags, root, note } = context;
  const out = resolve(flags.out ?? join(root, 'runs/demo'));
  const overrides = [...context.positionals, `engine.device=${flags.device ?? 'auto'}`];
  checkSettings(overrides);
  await refuseUnfinished(out, flags);
  const host = await context.open({ keep: true, beside: out });
  await complete(context, host, out, {
    command: 'demo',
    document: null,
    overrides,
    inputs: [],
    weights: null,
    sweep: null,
  });
  note(`The verified bundle is ${join(out, 'bundle.zip')}`);
}

/** Goes on with what `train` or `demo` had to leave. @param {Context} context */
export async function resume(context) {
  const [directory, ...more] = context.positionals;
  if (directory === undefined || more.length > 0) {
    throw new UsageError('Name the folder that was given as --out: trainyard resume DIR.');
  }
  const out = await existing(directory, { what: 'The run folder' });
  const state = await readRunState(out);
  if (state === null)
    throw new UsageError(`In "${directory}" no run was begun. Begin one: trainyard train JOB.json --out DIR.`);
  if (state.state === 'done' || state.cache === null) {
    throw new UsageError(`The run in "${directory}" is done; nothing is left to train.`);
  }
  const host = await context.open({ keep: true, cache: state.cache, must: true });
  await follow(context, new RunFile(out, state), host, goOn);
}

/** More epochs for a run that was kept. @param {Context} context */
export async function extend(context) {
  const [directory, ...more] = context.positionals;
  const { flags } = context;
  if (directory === undefined || more.length > 0 || flags.epochs === undefined) {
    throw new UsageError('Name a run folder and the epochs to add: trainyard extend DIR --epochs N.');
  }
  const epochs = positive('--epochs', flags.epochs);
  const out = await existing(directory, { what: 'The run folder' });
  const state = await readRunState(out);
  if (state?.state === 'unfinished') throw new UsageError(`First go on with it: trainyard resume ${out}.`);
  if (state === null || state.cache === null || state.run === null) {
    throw new UsageError(`The run in "${directory}" was not kept. Train with --keep to extend it later.`);
  }
  const host = await context.open({ keep: true, cache: state.cache, must: true });
  const file = new RunFile(out, state);
  await file.change({ state: 'unfinished' });
  const { run: runId } = state;
  await follow({ ...context, flags: { ...flags, keep: '' } }, file, host, (now, { state: { request } }) => {
    now.writeTo(out);
    return now.call('extend', { runId, epochs, ...request.options });
  });
}

/** @param {string} what @param {string} text */
function positive(what, text) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`${what} is "${text}". Use a whole number of 1 or more.`);
}

/** @param {readonly string[]} overrides */
export function checkSettings(overrides) {
  const stray = overrides.find((text) => !/^[\w.]+=/.test(text));
  if (stray !== undefined) throw new UsageError(`"${stray}" is not a setting. Settings look like training.epochs=5.`);
}

/** @param {string} path @returns {Promise<Record<string, unknown>>} */
export async function readJob(path) {
  const document = await readJson(path);
  if (isRecord(document)) return document;
  throw new UsageError(`The job file "${path}" is not a JSON object. See docs/job-file.md.`);
}

/** A run that can be gone on with is not dropped by a mistake. @param {string} out @param {Record<string, string>} flags */
async function refuseUnfinished(out, flags) {
  const state = await readRunState(out);
  if (state?.state !== 'unfinished' || flags.restart !== undefined) return;
  if (state.run === null && state.group === null) return;
  throw new UsageError(
    `In "${out}" is a run that was interrupted. Go on with it: trainyard resume ${out}. Or name another --out, or drop it with --restart.`,
  );
}

/** @param {Context} context @param {Host} host @param {string} out @param {Omit<RunRequest, 'options'>} request */
async function complete(context, host, out, request) {
  const { flags } = context;
  const options = { tensorboard: flags.tensorboard !== undefined, mlflow: flags.mlflow !== undefined };
  await mkdir(out, { recursive: true });
  const file = new RunFile(out, {
    version: 1,
    state: 'unfinished',
    cache: host.place,
    project: null,
    run: null,
    group: null,
    request: { ...request, options },
  });
  await file.change({});
  await follow(context, file, host, begin);
}

/**
 * Does the work and leaves the run's file as what became of it. Where the browser ends in the middle, the run goes on in another
 * one, once: what ends a second time would end a third time, too.
 * @param {Context} context
 * @param {RunFile} file
 * @param {Host} host
 * @param {(host: Host, file: RunFile) => Promise<Trained>} work
 */
async function follow(context, file, host, work) {
  const { note, print, flags } = context;
  /** @param {any} event */
  const watch = (event) => {
    if (event.from === 'import' && event.type === 'done') void file.change({ project: event.projectId });
    if (event.from === 'sweep' && event.type === 'planned') void file.change({ group: event.groupId });
    if (event.from === 'train' && event.type === 'started') void file.change({ run: event.runId });
  };
  let now = host;
  now.watch(watch);
  const trained = await work(now, file).catch(async (error) => {
    if (!(error instanceof BrowserEnded) || now.place === null) throw await explained(error, file, now);
    const { place } = now;
    note(`note: ${error.message} The run goes on in a new one, from its last checkpoint.`);
    await now.close();
    now = await context.open({ keep: true, cache: place, must: true });
    now.watch(watch);
    return goOn(now, file).catch(async (again) => {
      throw await explained(again, file, now);
    });
  });
  const stopped = trained.status === 'stopped';
  const kept = now.place !== null && (stopped || flags.keep !== undefined);
  await file.change({ state: stopped ? 'stopped' : 'done', cache: kept ? now.place : null });
  print(trained.evaluation);
  if (stopped && kept) note(`The run was stopped. Go on with it: trainyard resume ${file.out}`);
}

/** @param {Host} host @param {RunFile} file @returns {Promise<Trained>} */
async function begin(host, { out, state }) {
  const { command, document, overrides, inputs, weights, sweep: text, options } = state.request;
  host.writeTo(out);
  if (command === 'demo') return host.call('demo', { overrides, ...options });
  if (weights !== null) await bringWeights(host, weights);
  await host.call('prepare', { document, overrides });
  await host.give(inputs);
  return command === 'sweep' ? host.call('sweep', { sweep: text, ...options }) : host.call('train', options);
}

/** From the last checkpoint; from the start where the run had not begun. @param {Host} host @param {RunFile} file @returns {Promise<Trained>} */
async function goOn(host, file) {
  const { run, group, request } = file.state;
  host.writeTo(file.out);
  if (group !== null) return host.call('resumeSweep', { groupId: group, ...request.options });
  return run === null ? begin(host, file) : host.call('resume', { runId: run, ...request.options });
}

/**
 * An error with what can still be done about it. The file of a run of which nothing is left goes.
 * @param {unknown} error
 * @param {RunFile} file
 * @param {Host} host
 */
async function explained(error, file, host) {
  const { run, group } = file.state;
  const ended = error instanceof BrowserEnded;
  const left = !ended && run !== null ? await host.call('standing', { runId: run }).catch(() => null) : null;
  const begun = ended || group !== null || (left?.checkpoint === true && left.status !== 'done');
  const resumable = host.place !== null && begun;
  if (!resumable) {
    await file.forget();
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  const more = `What was trained is kept. Go on from the last checkpoint: trainyard resume ${file.out}`;
  if (error instanceof PageFailure) return new PageFailure({ ...error.data, message, hint: more });
  return new Error(`${message} ${more}`);
}

/** From where `model.weights` counts: a setting from here, a job file's own path from the file. @param {string} jobPath @param {readonly string[]} overrides */
export function weightsFolders(jobPath, overrides) {
  const given = overrides.some((text) => text.startsWith('model.weights='));
  return given ? ['.'] : [dirname(resolve(jobPath)), '.'];
}

/**
 * Makes the page have the weights: files are given to it, names and addresses are downloaded unless they were before.
 * @param {Host} host
 * @param {{ reference: string, path: string | null }} weights
 */
export async function bringWeights(host, { reference, path }) {
  if (path === null) return host.call('downloadWeights', { reference });
  await host.give([{ prefix: 'weights', path }]);
  return host.call('importWeights', { name: basename(path), source: reference });
}

/**
 * Setting that names the teacher of a distillation: a run by its id, or by the folder of one that was trained with --keep in this cache.
 * @param {string} reference
 * @param {readonly string[]} folders
 * @param {string | null} cache
 */
async function teacherSetting(reference, folders, cache) {
  if (reference.startsWith('run:')) return `distillation.teacher=${reference}`;
  for (const folder of folders) {
    const state = await readRunState(resolve(folder, reference));
    if (state === null) continue;
    if (state.run !== null && state.cache !== null && state.cache === cache) {
      return `distillation.teacher=run:${state.run}`;
    }
    throw new UsageError(`The teacher in "${reference}" is not kept in the cache. Train it with --keep.`);
  }
  throw new UsageError(`The teacher "${reference}" is no folder of a run. Name one that was trained with --keep.`);
}

/**
 * @param {{ path: string | null, train_dir: string | null, val_dir: string | null, test_dir: string | null }} data
 * @param {string} beside
 */
export async function jobInputs(data, beside) {
  if (data.path !== null) {
    return [{ prefix: '', path: await dataSet(data.path, { what: 'The data', beside }) }];
  }
  const inputs = [];
  for (const split of /** @type {const} */ (['train', 'val', 'test'])) {
    const folder = data[`${split}_dir`];
    if (folder === null) continue;
    inputs.push({ prefix: split, path: await dataSet(folder, { what: `data.${split}_dir`, beside }) });
  }
  if (inputs.length === 0) {
    throw new UsageError('No data was named. Add --data PATH (a folder or a zip), or data.path to the job file.');
  }
  return inputs;
}
