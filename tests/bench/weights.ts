// How long loading a large file of weights takes and what it takes of memory: from the file on disk to parameters in our layouts.
// Run: npx vitest run --config tests/bench/weights.config.ts
import { appendFileSync, openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { elements } from '$lib/graph/ops/operation';
import { loadWeights } from '$lib/interchange/weights/load';
import { openWeights } from '$lib/interchange/weights/open';
import { netOf } from './weights-net';

/** The goals on two cores, for a file of 100 MB. */
const MAX_SECONDS = 3;
const MAX_MEMORY_RATIO = 2.5;
const SAMPLE_EVERY_MS = 2;

const name = process.env.TRAINYARD_BENCH_CASE ?? '';

test(name, async () => {
  const { title, graph } = netOf(name.split(' ')[1]);
  const initial = new Map(graph.parameters.map((each) => [each.name, new Float32Array(elements(each.shape)).fill(1)]));
  // On the disk until it is read, as a browser's File is.
  const blob = await openAsBlob(join(process.env.TRAINYARD_BENCH_FOLDER ?? '', name));
  const load = async () => {
    const file = await openWeights([{ path: name, blob }], name);
    return loadWeights(graph, file, initial, { source: name });
  };
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  // Between two samples at most one tensor is read.
  const sample = () => (peak = Math.max(peak, process.memoryUsage().rss));
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  const used = process.cpuUsage();
  const start = performance.now();
  const { report } = await load();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  sample();
  clearInterval(timer);
  expect(report.loaded.length).toBe(graph.parameters.length);
  const ratio = (peak - before) / blob.size;
  const megabytes = Math.round(blob.size / 1e6);
  const note = `${megabytes} MB of ${name.split(' ')[1]}, ${title}, Node; ${((user + system) / 1e6).toFixed(2)} s of processor`;
  const rows = [
    { what: `loading ${name}`, value: seconds, unit: 's', note },
    { what: `loading ${name}, memory`, value: ratio, unit: 'times its size', note },
  ];
  for (const row of rows) console.log(`${row.what}: ${row.value.toFixed(2)} ${row.unit} (${row.note})`);
  const out = process.env.TRAINYARD_BENCH_OUT;
  if (out !== undefined) appendFileSync(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  expect.soft(seconds).toBeLessThan(MAX_SECONDS);
  expect.soft(ratio).toBeLessThan(MAX_MEMORY_RATIO);
});
