// A teacher's answers as targets: its own network, its own order of classes, its own size of images.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '$lib/graph/builder';
import { initializeParameters } from '$lib/graph/initialize';
import type { Graph } from '$lib/graph/types';
import { withNormalization } from '$lib/graph/passes';
import { softmaxRows } from '$lib/metrics/probabilities';
import type { SourceBatch } from '$lib/training/source';
import { openTeacher, type Teacher } from '$lib/training/teacher';
import { CLASSES, cpuEngine, makeJob, makeSource, SIZE } from './support';

function linear(size: number): Graph {
  const builder = new GraphBuilder([size, size]);
  const conv = builder.conv2d('conv', builder.input, { filters: 3, kernel: 3, stride: 1, padding: 1, bias: true });
  return builder.build(builder.linear('fc', builder.globalAvgPool(conv), { features: CLASSES.length }));
}

function teacherOf(size: number, classes: readonly string[] = CLASSES): Teacher {
  const graph = linear(size);
  // Larger than drawn, so that its answers differ from image to image.
  const parameters = new Map(
    [...initializeParameters(graph, 5)].map(([name, values]) => [name, values.map((v) => 9 * v)]),
  );
  const preprocess = {
    imageSize: [size, size] as const,
    resize: 'stretch' as const,
    interpolation: 'bilinear' as const,
    mean: [0.3, 0.4, 0.5] as const,
    std: [0.2, 0.3, 0.4] as const,
  };
  return { name: 'old', task: 'classification', classes, graph, parameters, preprocess };
}

async function firstBatch(): Promise<SourceBatch> {
  for await (const batch of makeSource('train', 8, 8).epoch(0)) return batch;
  throw new Error('no batch');
}

async function answers(teacher: Teacher, temperature = 2): Promise<{ own: Float32Array; taught: Float32Array[] }> {
  const engine = await cpuEngine();
  const batch = await firstBatch();
  const job = makeJob({ distillation: { teacher: 'run:x', temperature } });
  const open = openTeacher(teacher, engine, { job, classes: CLASSES });
  const { values, shape } = await open.teach(batch);
  open.dispose();
  expect(shape).toEqual([8, 4]);
  const rows = Array.from({ length: 8 }, (_, row) => Float32Array.from(values.slice(4 * row, 4 * row + 4)));
  rows.forEach((row, index) =>
    expect(row.subarray(0, 2)).toEqual(batch.targets.values.subarray(2 * index, 2 * index + 2)),
  );
  return { own: Float32Array.from(batch.targets.values), taught: rows.map((row) => row.subarray(2)) };
}

describe('a teacher', () => {
  it('answers with its softmax at the temperature, normalising by itself', async () => {
    const teacher = teacherOf(SIZE);
    const engine = await cpuEngine();
    const { mean, std } = teacher.preprocess;
    const predictor = engine.predictor(withNormalization(teacher.graph, mean, std), teacher.parameters);
    const { output } = await predictor.predict(await firstBatch());
    predictor.dispose();
    const soft = softmaxRows(
      output.map((value) => value / 2),
      2,
    );
    const { taught } = await answers(teacher);
    taught.forEach((row, index) => expect(row).toEqual(Float32Array.from(soft.subarray(2 * index, 2 * index + 2))));
    expect(new Set(taught.map(([dark]) => dark)).size).toBeGreaterThan(1);
  });

  it('has its classes put into the order of the data', async () => {
    const { taught } = await answers(teacherOf(SIZE));
    const { taught: turned } = await answers(teacherOf(SIZE, CLASSES.toReversed()));
    taught.forEach((row, index) => expect(turned[index]).toEqual(row.toReversed()));
  });

  it('sees the images in the size that it knows', async () => {
    const { taught } = await answers(teacherOf(12));
    for (const row of taught) expect(row[0] + row[1]).toBeCloseTo(1, 6);
    expect(new Set(taught.map(([dark]) => dark)).size).toBeGreaterThan(1);
  });
});
