// Kills the browser, or the command and the browser, in the middle of a run of the sample, and goes on: the weights must be those of
// a run that nobody disturbed, bit by bit. Three times here, twenty times in the long target (npm run test:long).
import { createHash, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { integer, stream } from '$lib/core/random';
import { ensureBuild } from '../../scripts/lib/build.mjs';
import { startTrainyard, trainyard, type CommandResult, type RunningCommand } from './support/command';

const TIMES = process.env.TRAINYARD_LONG === '1' ? 20 : 3;
/** Printed, so that a failure can be had again. */
const SEED = Number(process.env.TRAINYARD_KILL_SEED ?? randomInt(1_000_000));
/** 46 steps an epoch: some kills come before the first checkpoint, some between two, some after an epoch's end. */
const STEPS = 3 * 46;
const SAMPLE = [
  'demo',
  'training.epochs=3',
  'checkpoints.autosave_seconds=1',
  '--device',
  'wasm',
  '--progress',
  'json',
];
/** What is killed, in turn. */
const WAYS = ['the browser', 'the command and its browser', 'the browser, and its successor'] as const;

interface Told {
  from: string;
  type: string;
  step?: number;
  fromStep?: number;
}

let work: string;
let undisturbed: Awaited<ReturnType<typeof resultsIn>>;
const at = (...parts: string[]) => join(work, ...parts);

beforeAll(async () => {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  work = await mkdtemp(join(tmpdir(), 'trainyard-kill-'));
  expect(await trainyard([...SAMPLE, '--out', at('undisturbed')])).toMatchObject({ status: 0 });
  undisturbed = await resultsIn(at('undisturbed'));
}, 300_000);

afterAll(() => rm(work, { recursive: true, force: true }));

/** Hashes of the weights, and the curve without its times. */
async function resultsIn(out: string) {
  const hash = async (path: string) =>
    createHash('sha256')
      .update(await readFile(join(out, path)))
      .digest('hex');
  const [head, ...rows] = (await readFile(join(out, 'history.csv'), 'utf8')).trim().split('\r\n');
  const timed = head.split(',').indexOf('seconds');
  return {
    model: await hash('model.safetensors'),
    last: await hash('checkpoints/last.safetensors'),
    curve: rows.map((row) => row.split(',').filter((_, i) => i !== timed)),
  };
}

function eventsOf(stderr: string): Told[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Told);
}

/** Waits until `times` parts of the run have begun and the last one has come to the step; its number then. */
async function reached(command: RunningCommand, step: number, times: number): Promise<number> {
  for (;;) {
    const events = eventsOf(command.stderr());
    const starts = events.filter(({ type }) => type === 'started').length;
    const now = events.findLast(({ type, step }) => type === 'progress' && step !== undefined)?.step ?? 0;
    if (starts >= times && now >= step) return now;
    if (events.some(({ type }) => type === 'finished' || type === 'failed')) {
      throw new Error(`The run ended before step ${step}:\n${command.stderr().slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Kills and goes on; what the last command said. */
async function disturb(way: (typeof WAYS)[number], out: string, steps: number[]): Promise<CommandResult> {
  const command = startTrainyard([...SAMPLE, '--out', out]);
  const killed = [await reached(command, steps[0], 1)];
  if (way === 'the command and its browser') {
    await command.killBrowser();
    command.kill();
    expect(await command.ended).toMatchObject({ status: null });
  } else {
    await command.killBrowser();
    if (way === 'the browser') {
      const ended = await command.ended;
      console.log(`  ${way}: at step ${killed.join(', ')}`);
      expect(ended.stderr).toContain('The run goes on in a new one, from its last checkpoint.');
      return ended;
    }
    killed.push(await reached(command, steps[1], 2));
    await command.killBrowser();
    const { status, stderr } = await command.ended;
    expect(status).toBe(1);
    expect(stderr).toContain(`Go on from the last checkpoint: trainyard resume ${out}`);
  }
  expect(existsSync(join(out, 'model.safetensors'))).toBe(false);
  console.log(`  ${way}: at step ${killed.join(', ')}`);
  return trainyard(['resume', out, '--progress', 'json']);
}

test(
  `a run that is killed ${TIMES} times over ends with the same weights (seed ${SEED})`,
  async () => {
    console.log(`kill seed ${SEED}`);
    for (let time = 0; time < TIMES; time++) {
      const random = stream(SEED, 'kill', time);
      const steps = [integer(random, STEPS - 6), integer(random, STEPS - 6)]
        .map((step) => step + 1)
        .sort((a, b) => a - b);
      const out = at(`killed-${time}`);
      const ended = await disturb(WAYS[time % WAYS.length], out, steps);
      expect(ended, `kill ${time + 1}, steps ${steps.join(', ')}`).toMatchObject({ status: 0 });
      const started = eventsOf(ended.stderr).filter(({ type }) => type === 'started');
      // It went on rather than beginning anew, once there was something to go on from.
      if (steps[0] > 60) expect(started.at(-1)?.fromStep).toBeGreaterThan(0);
      expect(await resultsIn(out)).toEqual(undisturbed);
      // Nothing of the browser's is left beside the results.
      expect(existsSync(join(out, '.trainyard'))).toBe(false);
    }
  },
  TIMES * 120_000,
);
