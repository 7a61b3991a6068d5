// A task small enough for the CPU backend: dark and bright squares with noise, a net of one convolution. Not a test itself.

// The whole package for its gradients: in Node its parts come without them.
import '@tensorflow/tfjs';
import { stream, shuffle } from '$lib/core/random';
import type { Engine } from '$lib/engines/contract';
import { createEngine } from '$lib/engines/tfjs/device';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph } from '$lib/graph/types';
import type { Job } from '$lib/job/job';
import { parseJob } from '$lib/job/parse';
import type { EpochOptions } from '$lib/pipeline/loader';
import type { Item, SplitName } from '$lib/storage/records';
import { createLoss } from '$lib/tasks/losses';
import { getTask } from '$lib/tasks/registry';
import type { LoopCheckpoint, LoopEvent, LoopInput, LoopOutcome } from '$lib/training/loop';
import { trainLoop } from '$lib/training/loop';
import { sourceOf, type BatchSource } from '$lib/training/source';
import { catalog } from '../job/catalog';

export const SIZE = 8;
export const CLASSES = ['dark', 'bright'];
export const task = getTask('classification');

export function cpuEngine(): Promise<Engine> {
  return createEngine('cpu', { wasmPaths: '' });
}

/** With batch norm and dropout: what a resumed run could get wrong. */
export function smallGraph(): Graph {
  const builder = new GraphBuilder([SIZE, SIZE]);
  const conv = builder.conv2d('conv', builder.input, { filters: 4, kernel: 3, stride: 2, padding: 1, bias: false });
  const norm = builder.activation(builder.batchNorm('bn', conv), 'relu');
  const pooled = builder.dropout('drop', builder.globalAvgPool(norm), 0.1);
  return builder.build(builder.linear('fc', pooled, { features: CLASSES.length }));
}

/** Three stages: 4 x 4 (a), 2 x 2 (b), 1 x 1 (c). */
export function stagedGraph(): Graph {
  const builder = new GraphBuilder([SIZE, SIZE]);
  let x = builder.input;
  for (const name of ['a', 'b', 'c']) {
    const conv = builder.conv2d(name, x, { filters: 4, kernel: 3, stride: 2, padding: 1, bias: false });
    x = builder.activation(builder.batchNorm(`${name}_bn`, conv), 'relu');
  }
  const features = builder.globalAvgPool(x);
  const dropped = builder.dropout('drop', features, 0.1);
  return builder.build(builder.linear('fc', dropped, { features: CLASSES.length }), { features });
}

export function makeItems(split: SplitName, count: number): Item[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `${split}/${index}.png`,
    blob: `${split}${index}`,
    width: SIZE,
    height: SIZE,
    bytes: 1,
    annotation: { kind: 'class', class: index % 2 },
    split,
  }));
}

function pixels(item: Item, seed: number): Uint8Array<ArrayBuffer> {
  const random = stream(seed, item.path);
  const level = item.annotation.kind === 'class' && item.annotation.class === 1 ? 150 : 90;
  return Uint8Array.from({ length: SIZE * SIZE * 3 }, () => level + 60 * (random() - 0.5));
}

/** Shuffled by epoch for train, in order else; like the pipeline's loader, `from` skips without changing what follows. */
export function makeSource(split: SplitName, count: number, batchSize: number, classes = CLASSES): BatchSource {
  const items = makeItems(split, count);
  const batches = Math.ceil(count / batchSize);
  const loader = {
    stepsPerEpoch: batches,
    async *epoch(epoch: number, { shuffle: shuffled, from = 0 }: EpochOptions = {}) {
      const order = items.map((_, index) => index);
      if (shuffled === true) shuffle(order, stream(7, 'order', epoch));
      for (let batch = from; batch < batches; batch++) {
        const indices = order.slice(batch * batchSize, (batch + 1) * batchSize);
        const images = new Uint8Array(indices.length * SIZE * SIZE * 3);
        indices.forEach((index, row) => images.set(pixels(items[index], 3), row * SIZE * SIZE * 3));
        yield { images, shape: [indices.length, SIZE, SIZE, 3] as const, indices };
        await Promise.resolve();
      }
    },
  };
  return sourceOf(loader, { items, task, classes, shuffle: split === 'train' });
}

export function makeJob(document: object = {}): Job {
  return parseJob(
    {
      training: { epochs: 3, batch_size: 8 },
      optimizer: { learning_rate: 0.05 },
      preprocess: { image_size: SIZE },
      ...document,
    },
    catalog,
  ).job;
}

export interface Recording {
  events: LoopEvent[];
  checkpoints: LoopCheckpoint[];
  outcome: LoopOutcome;
}

/** Everything but the engine and the job at its usual value. */
export function loopOf(engine: Engine, job: Job, input: Partial<LoopInput>): ReturnType<typeof trainLoop> {
  const graph = smallGraph();
  return trainLoop({
    job,
    task,
    classes: CLASSES,
    engine,
    graph,
    parameters: initializeParameters(graph, job.seed),
    loss: createLoss(job.task, job.loss, { classes: 2, train: [] }),
    train: makeSource('train', 32, 8),
    val: makeSource('val', 16, 8),
    save: () => Promise.resolve(),
    ...input,
  });
}

/** Runs to the end. `at` is called with each event, to stop. */
export async function record(
  engine: Engine,
  job: Job,
  more: Partial<LoopInput> & { at?: (event: LoopEvent) => void; sink?: LoopCheckpoint[] } = {},
): Promise<Recording> {
  const { at, sink = [], ...input } = more;
  const events: LoopEvent[] = [];
  const save: LoopInput['save'] = (checkpoints) => {
    sink.push(...checkpoints);
    return Promise.resolve();
  };
  const loop = loopOf(engine, job, { save, ...input });
  for (;;) {
    const next = await loop.next();
    if (next.done === true) return { events, checkpoints: sink, outcome: next.value };
    events.push(next.value);
    at?.(next.value);
  }
}

export function ofType<Type extends LoopEvent['type']>(
  events: readonly LoopEvent[],
  type: Type,
): Extract<LoopEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<LoopEvent, { type: Type }> => event.type === type);
}
