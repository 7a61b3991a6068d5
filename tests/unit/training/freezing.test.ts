import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import type { Job } from '$lib/job/job';
import type { LoopCheckpoint } from '$lib/training/loop';
import { alsoFrozen, createFreezing, heldAt } from '$lib/training/freezing';
import { cpuEngine, makeJob, makeSource, ofType, record, stagedGraph } from './support';

const graph = stagedGraph();
const fineTune = (more: Partial<Job['fine_tune']>): Job['fine_tune'] => ({ ...makeJob().fine_tune, ...more });
const stage = (name: string): string[] => [
  `${name}.weight`,
  ...['weight', 'bias', 'running_mean', 'running_var'].map((role) => `${name}_bn.${role}`),
];

describe('freezing', () => {
  it('holds the backbone, or all but its last stages, or nothing', () => {
    const frozen = (more: Partial<Job['fine_tune']>) =>
      [...createFreezing(graph, fineTune(more), 4).at(0).frozen].sort();
    expect(frozen({ train: 'head' })).toEqual([...stage('a'), ...stage('b'), ...stage('c')].sort());
    expect(frozen({ train: 'stages', stages: 2 })).toEqual(stage('a').sort());
    expect(frozen({ train: 'stages', stages: 8 })).toEqual([]);
    expect(frozen({ train: 'all' })).toEqual([]);
    // Runs from before there was fine-tuning.
    expect(createFreezing(graph, undefined, 4).at(0).frozen.size).toBe(0);
  });

  it('gives each stage its share of the rate of the one behind it', () => {
    const { rateScale } = createFreezing(graph, fineTune({ train: 'all', stage_rate: 0.5 }), 4).at(0);
    expect(rateScale.get('fc.weight')).toBeUndefined();
    expect(['c', 'b', 'a'].map((name) => rateScale.get(`${name}.weight`))).toEqual([0.5, 0.25, 0.125]);
  });

  it('lets one stage go after another, each with a fresh start', () => {
    const freezing = createFreezing(graph, fineTune({ train: 'head', unfreeze_every: 2 }), 4);
    expect([0, 1, 2, 3, 4, 5, 6, 99].map((epoch) => freezing.stages(epoch))).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(freezing.name(1)).toBe('stage 3 (1 x 1)');
    const later = freezing.at(5);
    expect([...later.frozen].sort()).toEqual(stage('a').sort());
    expect([later.movesFrom.get('c.weight'), later.movesFrom.get('b.weight')]).toEqual([8, 16]);
    const begun = createFreezing(graph, fineTune({ train: 'stages', stages: 1, unfreeze_every: 3 }), 4);
    expect([0, 3, 6].map((epoch) => begun.stages(epoch))).toEqual([1, 2, 3]);
    expect(begun.at(6).movesFrom.get('c.weight')).toBeUndefined();
    expect(begun.at(6).movesFrom.get('a.weight')).toBe(24);
  });

  it('keeps the norms of what learns where the job says so', () => {
    const freezing = createFreezing(graph, fineTune({ train: 'stages', stages: 2, freeze_norms: true }), 4);
    expect([...freezing.at(0).frozenNorms].sort()).toEqual(['b_bn', 'c_bn']);
  });

  it('can be held at its first epoch, and hold more', () => {
    const freezing = createFreezing(graph, fineTune({ train: 'head', unfreeze_every: 1 }), 4);
    expect(heldAt(freezing).at(9)).toEqual(freezing.at(0));
    expect(alsoFrozen(freezing, ['fc.bias']).at(1).frozen.has('fc.bias')).toBe(true);
  });
});

describe('the loop with freezing', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await cpuEngine();
  });

  const run = (more: Partial<Job['fine_tune']>, extra: Parameters<typeof record>[2] = {}) => {
    const job = { ...makeJob({ training: { epochs: 4, batch_size: 8 } }), fine_tune: fineTune(more) };
    const freezing = createFreezing(graph, job.fine_tune, 4);
    return record(engine, job, { graph, parameters: initializeParameters(graph, job.seed), freezing, ...extra });
  };
  const last = ({ checkpoints }: Awaited<ReturnType<typeof record>>) => {
    const found = checkpoints.findLast(({ kind }) => kind === 'last');
    if (found === undefined) throw new Error('no last checkpoint');
    return found;
  };

  it('moves nothing of what is frozen, statistics included, and all of the rest', async () => {
    const { state } = last(await run({ train: 'stages', stages: 1 }));
    const start = initializeParameters(graph, 0);
    const moved = [...start].filter(([name, values]) => values.some((value, at) => value !== state.parameters.get(name)?.[at])); // prettier-ignore
    expect(moved.map(([name]) => name).sort()).toEqual([...stage('c'), 'fc.weight', 'fc.bias'].sort());
  });

  it('keeps the statistics of norms whose weights move where the job says so', async () => {
    const { state } = last(await run({ train: 'all', freeze_norms: true }));
    const start = initializeParameters(graph, 0);
    expect(state.parameters.get('a_bn.running_mean')).toEqual(start.get('a_bn.running_mean'));
    expect(state.parameters.get('a_bn.weight')).not.toEqual(start.get('a_bn.weight'));
  });

  it('lets stages go by epoch, says so, and resumed after any step ends with the same bits', async () => {
    const settings = { train: 'head', unfreeze_every: 1, stage_rate: 0.5 } as const;
    const whole = await run(settings);
    expect(ofType(whole.events, 'notice').map(({ message }) => message)).toEqual([
      'From epoch 2 on stage 3 (1 x 1) learns, too.',
      'From epoch 3 on stage 2 (2 x 2) learns, too.',
      'From epoch 4 on stage 1 (4 x 4) learns, too.',
    ]);
    for (const steps of [2, 4, 5, 8, 11, 14]) {
      const controller = new AbortController();
      const source = makeSource('train', 32, 8);
      let given = 0;
      const train = {
        ...source,
        async *epoch(epoch: number, first?: number) {
          for await (const batch of source.epoch(epoch, first)) {
            if (given++ === steps) controller.abort();
            yield batch;
          }
        },
      };
      const stopped = await run(settings, { train, signal: controller.signal });
      const resumed = await run(settings, { from: last(stopped) });
      const [found, expected] = [last(resumed).state, last(whole).state];
      for (const kind of ['parameters', 'optimizer'] as const) {
        for (const [name, values] of expected[kind]) expect(found[kind].get(name), `${steps} ${name}`).toEqual(values);
      }
    }
  });

  it('holds best checkpoints back until a last one is stored with them', async () => {
    const job = makeJob({ training: { epochs: 6, batch_size: 8 } });
    const saves: string[][] = [];
    const told: LoopCheckpoint[] = [];
    const save = (checkpoints: readonly LoopCheckpoint[]): Promise<void> => {
      saves.push(checkpoints.map(({ kind, epoch }) => `${kind} ${epoch}`));
      told.push(...checkpoints);
      // As if storing took ten seconds.
      time += 10_000;
      return Promise.resolve();
    };
    let time = 0;
    const { events, outcome } = await record(engine, job, { save, now: () => (time += 1) });
    // The first epoch's end is always due; then nothing until the end.
    expect(saves.map((kinds) => kinds.at(-1)?.slice(0, 4))).toEqual(['last', 'last']);
    const best = told.findLast(({ kind }) => kind === 'best');
    expect(best?.epoch).toBe(outcome.best?.epoch);
    expect(told.at(-1)?.carried?.best?.epoch).toBe(best?.epoch);
    expect(ofType(events, 'checkpoint').map(({ kind, epoch }) => `${kind} ${epoch}`)).toEqual(saves.flat());
  });

  it('counts on where an earlier phase ended, validates nothing and keeps no best in metric learning', async () => {
    const { events, checkpoints, outcome } = await record(engine, makeJob(), {
      contrastive: true,
      val: null,
      before: { epochs: 2, steps: 8 },
    });
    expect(ofType(events, 'notice')).toEqual([]);
    const epochs = ofType(events, 'epoch');
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual([[3, 12], [4, 16], [5, 20]]); // prettier-ignore
    expect(Object.keys(epochs[0].metrics)).toEqual(['contrastive_loss']);
    expect(new Set(checkpoints.map(({ kind }) => kind))).toEqual(new Set(['last']));
    expect(outcome).toMatchObject({ epochs: 5, steps: 20, best: null });
    expect(checkpoints.at(-1)?.position).toEqual({ epoch: 3, stepInEpoch: 0 });
  });
});
