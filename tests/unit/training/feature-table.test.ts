import { describe, expect, it } from 'vitest';
import { pairedOrder } from '$lib/pipeline/order';
import { createLoader } from '$lib/pipeline/loader';
import type { Graph } from '$lib/graph/types';
import { canonicalJson, featureKey } from '$lib/training/feature-key';
import { featureSource, FeatureTable, plainIds } from '$lib/training/feature-table';
import { CLASSES, makeItems, makeJob, smallGraph, task } from './support';

const items = makeItems('train', 10);

function table(copies = 0): FeatureTable {
  const ids = items.flatMap(({ blob }) => Array.from({ length: copies + 1 }, (_, variant) => ({ blob, variant })));
  const made = new FeatureTable(2, ids);
  ids.forEach((id, at) => made.add(id, Float32Array.of(at, id.variant)));
  return made;
}

describe('a feature table', () => {
  it('has one row for an image, whoever asks, and says what it lacks', () => {
    const made = new FeatureTable(2, [...plainIds(items), ...plainIds(items)]);
    expect(made.size).toBe(10);
    expect(made.has({ blob: items[0].blob, variant: 0 })).toBe(false);
    expect(made.add({ blob: items[0].blob, variant: 0 }, Float32Array.of(1, 2))).toBe(true);
    expect(made.add({ blob: items[0].blob, variant: 0 }, Float32Array.of(3, 4))).toBe(false);
    expect(made.add({ blob: 'other', variant: 0 }, Float32Array.of(3, 4))).toBe(false);
    expect([...made.row({ blob: items[0].blob, variant: 0 })]).toEqual([1, 2]);
    expect(() => made.row({ blob: items[1].blob, variant: 0 })).toThrow('no features');
  });
});

describe('batches of features', () => {
  const split = { items, task, classes: CLASSES, shape: [1, 1, 2], batchSize: 4, seed: 3, shuffle: true, copies: 0 };
  const collect = async (source: ReturnType<typeof featureSource>, epoch: number, first?: number) => {
    const batches = [];
    for await (const batch of source.epoch(epoch, first)) batches.push(batch);
    return batches;
  };

  it('come in the order in which the loader of images gives them', async () => {
    const source = featureSource(table(), split);
    const service = { size: 1, thread: () => () => Promise.resolve(new Uint8Array(4 * 8 * 8 * 3)), inspect: () => Promise.resolve([]), dispose: () => undefined }; // prettier-ignore
    const loader = await createLoader({
      // The pool is asked for pixels alone, which nobody looks at here.
      pool: service as never,
      items,
      preprocess: { imageSize: [8, 8], resize: 'stretch', interpolation: 'bilinear' },
      augment: null,
      seed: 3,
      batchSize: 4,
    });
    expect(source.batches).toBe(loader.stepsPerEpoch);
    const order: number[][] = [];
    for await (const { indices } of loader.epoch(1, { shuffle: true })) order.push([...indices]);
    const batches = await collect(source, 1);
    expect(batches.map(({ indices }) => indices)).toEqual(order);
    expect(batches[0].shape).toEqual([4, 1, 1, 2]);
    expect(batches[0].images[0]).toBe(order[0][0]);
    expect([...batches[0].targets.values.subarray(0, 2)]).toEqual(order[0][0] % 2 === 0 ? [1, 0] : [0, 1]);
    expect(await collect(source, 1, 1)).toEqual(batches.slice(1));
  });

  it('take the copies in turn, epoch by epoch', async () => {
    const source = featureSource(table(3), { ...split, copies: 3 });
    const variants = await Promise.all([0, 1, 2, 3].map(async (epoch) => (await collect(source, epoch))[0].images[1]));
    expect(variants).toEqual([1, 2, 3, 1]);
  });
});

describe('an order of pairs', () => {
  it('has each image once and several of every class in each batch of full groups, another order each epoch', () => {
    const strata = Array.from({ length: 120 }, (_, index) => index % 30);
    const order = pairedOrder(strata, 1, 0);
    expect([...order].sort((a, b) => a - b)).toEqual(strata.map((_, index) => index));
    for (let at = 0; at < 120; at += 8) {
      const counts = new Map<number, number>();
      for (const index of order.subarray(at, at + 8)) counts.set(strata[index], (counts.get(strata[index]) ?? 0) + 1);
      expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(4);
    }
    expect(pairedOrder(strata, 1, 0)).toEqual(order);
    expect(pairedOrder(strata, 1, 1)).not.toEqual(order);
  });

  it('puts groups that are not full last', () => {
    const strata = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2];
    const order = [...pairedOrder(strata, 5, 2)].map((index) => strata[index]);
    expect(new Set(order.slice(0, 4)).size).toBe(1);
    expect(new Set(order.slice(4, 8)).size).toBe(1);
    expect(order.slice(8).sort()).toEqual([0, 2]);
  });
});

describe('the name of a feature cache', () => {
  const preprocess = { imageSize: [8, 8], resize: 'stretch', interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] } as const; // prettier-ignore
  const graph: Graph = smallGraph();
  const values = (fill: number) => new Map(graph.parameters.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill)])); // prettier-ignore
  const key = (fill = 1, more = {}, augmented: Parameters<typeof featureKey>[2] = null) =>
    featureKey({ kind: 'graph', backbone: graph, parameters: values(fill) }, { ...preprocess, ...more }, augmented);

  it('changes with what features depend on and with nothing else', async () => {
    const { augment } = makeJob();
    const plain = await key();
    expect(plain).toMatch(/^[0-9a-f]{64}$/);
    expect(await key()).toBe(plain);
    const others = await Promise.all([
      key(2),
      key(1, { resize: 'crop' }),
      key(1, { std: [1, 1, 2] }),
      key(1, {}, { augment, seed: 0 }),
      key(1, {}, { augment, seed: 1 }),
      key(1, {}, { augment: { ...augment, rotation: 10 }, seed: 0 }),
      featureKey({ kind: 'extractor', extractor: { title: 'a', input: { name: 'x', layout: 'NCHW', imageSize: [8, 8] }, output: 'y', features: 2 }, weightsId: '0' }, preprocess, null), // prettier-ignore
    ]);
    expect(new Set([plain, ...others]).size).toBe(8);
  });

  it('does not depend on the order in which fields were written', () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
    expect(canonicalJson({ a: null, b: [{ d: 1 }] })).toBe(canonicalJson({ b: [{ d: 1 }], a: null }));
  });
});
