// Turns the command line into a plain request. Knows the flags, not what the commands do.
import { parseArgs } from 'node:util';

/** Wrong use or bad input: one line on stderr, exit status 2. */
export class UsageError extends Error {}

const FLAGS = /** @type {const} */ ({
  data: { type: 'string' },
  out: { type: 'string' },
  split: { type: 'string' },
  checkpoint: { type: 'string' },
  format: { type: 'string' },
  device: { type: 'string' },
  model: { type: 'string' },
  classes: { type: 'string' },
  hub: { type: 'string' },
  cache: { type: 'string' },
  'no-cache': { type: 'boolean' },
  keep: { type: 'boolean' },
  progress: { type: 'string' },
  folds: { type: 'string' },
  epochs: { type: 'string' },
  tensorboard: { type: 'boolean' },
  mlflow: { type: 'boolean' },
  restart: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
});

const TRAIN = 'data out device hub cache no-cache keep restart progress tensorboard mlflow'.split(' ');

/**
 * Flags that each command takes; anything else is refused, so that a misspelt flag is never ignored.
 * @satisfies {Record<string, string[]>}
 */
const COMMANDS = {
  train: TRAIN,
  sweep: [...TRAIN, 'folds'],
  resume: ['keep', 'progress'],
  extend: ['epochs', 'progress'],
  evaluate: ['data', 'split', 'checkpoint', 'device'],
  predict: ['checkpoint', 'device'],
  export: ['format', 'checkpoint', 'out', 'device'],
  weights: ['model', 'classes', 'hub', 'cache', 'no-cache'],
  cache: ['cache'],
  models: [],
  doctor: ['device'],
  parity: ['device'],
  bench: [],
  demo: TRAIN.filter((flag) => flag !== 'data' && flag !== 'hub'),
};

/** 'best', 'last', an epoch, or a checkpoint's own name ('saved-340'). */
const CHECKPOINT = /^(best|last|\d+|(epoch|top|saved)-\d+)$/;

const CHOICES = {
  split: ['train', 'val', 'test', 'all'],
  progress: ['lines', 'json'],
  device: ['auto', 'webgpu', 'wasm', 'cpu'],
};

/**
 * @param {readonly string[]} argv without node and the script
 * @returns {{ command: keyof typeof COMMANDS | 'help' | 'version', positionals: string[], flags: Record<string, string> }}
 */
export function parseCommandLine(argv) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options: FLAGS, allowPositionals: true, strict: true });
  } catch (error) {
    const first = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new UsageError(`${first}. See trainyard --help.`);
  }
  const { values, positionals } = parsed;
  const [command, ...rest] = positionals;
  if (values.version) return { command: 'version', positionals: rest, flags: {} };
  if (values.help || command === undefined || command === 'help')
    return { command: 'help', positionals: rest, flags: {} };
  if (!isCommand(command)) {
    throw new UsageError(`There is no command "${command}". Commands: ${Object.keys(COMMANDS).join(', ')}.`);
  }
  /** @type {Record<string, string>} */
  const flags = {};
  for (const [name, value] of Object.entries(values)) {
    // Without a value a flag says no more than that it is there.
    const text = value === true ? '' : value;
    if (typeof text !== 'string') continue;
    /** @type {string[]} */
    const taken = COMMANDS[command];
    if (!taken.includes(name)) throw new UsageError(`"trainyard ${command}" takes no --${name}.`);
    const allowed = /** @type {Record<string, string[] | undefined>} */ (CHOICES)[name];
    if (allowed && !allowed.includes(text)) {
      throw new UsageError(`--${name} is "${text}". Use ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}.`);
    }
    if (name === 'checkpoint' && !CHECKPOINT.test(text)) {
      throw new UsageError(`--checkpoint is "${text}". Use best, last, or the number of an epoch that was kept.`);
    }
    flags[name] = text;
  }
  return { command, positionals: rest, flags };
}

/**
 * @param {string} text
 * @returns {text is keyof typeof COMMANDS}
 */
function isCommand(text) {
  return Object.hasOwn(COMMANDS, text);
}
