// Times training steps and the image pipeline. Numbers of one run on one machine; a test never looks at them.

import { stream } from '$lib/core/random';
import type { Batch, Engine } from '$lib/engines/contract';
import { initializeParameters } from '$lib/graph/initialize';
import { withNormalization } from '$lib/graph/passes';
import type { Job } from '$lib/job/job';
import { buildModel } from '$lib/models/build';
import { createLoader } from '$lib/pipeline/loader';
import type { DecodePool } from '$lib/pipeline/pool';
import { createLoss } from '$lib/tasks/losses';

const CLASSES = 10;
/** The first steps compile shaders and grow the heap. */
const WARM_UP_STEPS = 2;

export interface StepRequest {
  model: string;
  imageSize: number;
  batchSize: number;
  steps: number;
}

/** Forward, backward and AdamW update, each step waited for. Milliseconds. */
export async function timeSteps(engine: Engine, request: StepRequest): Promise<{ medianMs: number; bestMs: number }> {
  const { model, imageSize, batchSize, steps } = request;
  const built = await buildModel(model, { config: {}, imageSize: [imageSize, imageSize], classes: CLASSES });
  const graph = withNormalization(built, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
  const step = engine.compile(graph, initializeParameters(graph, 1), {
    optimizer: { name: 'adamw', betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 },
    loss: createLoss('classification', { name: 'cross_entropy' }, { classes: CLASSES, train: [] }),
    decayAll: false,
    clipNorm: 0,
    seed: 1,
  });
  try {
    const batch = randomBatch(batchSize, imageSize);
    const times: number[] = [];
    for (let index = 0; index < WARM_UP_STEPS + steps; index++) {
      const started = performance.now();
      // Waiting for each loss is what is measured here; the training loop never does.
      await step.run(batch, 1e-3).loss.read();
      if (index >= WARM_UP_STEPS) times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    return { medianMs: times[times.length >> 1], bestMs: times[0] };
  } finally {
    step.dispose();
  }
}

function randomBatch(count: number, size: number): Batch {
  const random = stream(1, 'bench');
  const images = Uint8Array.from({ length: count * size * size * 3 }, () => random() * 256);
  const values = new Float32Array(count * CLASSES);
  for (let row = 0; row < count; row++) values[row * CLASSES + (row % CLASSES)] = 1;
  return { images, shape: [count, size, size, 3], targets: { values, shape: [count, CLASSES] } };
}

/** Images a second of two epochs over the pool's blobs `keys`: flips, shifts, small turns and colour jitter, or flips and a policy. */
export async function timePipeline(
  pool: DecodePool,
  keys: readonly string[],
  imageSize: number,
  policy: Job['augment']['policy']['name'] = 'none',
): Promise<{ firstPerSecond: number; cachedPerSecond: number; threads: number }> {
  const loader = await createLoader({
    pool,
    items: keys.map((blob) => ({ blob })),
    preprocess: { imageSize: [imageSize, imageSize], resize: 'stretch', interpolation: 'bilinear' },
    augment: {
      horizontal_flip: 0.5,
      vertical_flip: 0,
      shift: policy === 'none' ? Math.round(imageSize / 8) : 0,
      rotation: policy === 'none' ? 10 : 0,
      translate: 0,
      scale: [1, 1],
      shear: 0,
      perspective: 0,
      fill: 'black',
      random_resized_crop: { enabled: false, scale: [0.5, 1], ratio: [0.75, 1.333] },
      color_jitter:
        policy === 'none'
          ? { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 }
          : { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
      grayscale: 0,
      blur: { probability: 0, sigma: [0.1, 2] },
      sharpen: { probability: 0, amount: 2 },
      noise: { probability: 0, deviation: 0.05 },
      jpeg: { probability: 0, quality: [30, 90] },
      cutout: { probability: 0, size: 0.25 },
      erasing: { probability: 0, area: [0.02, 0.33], ratio: [0.3, 3.3], fill: 'black' },
      policy: { name: policy, operations: 2, magnitude: 9 },
    },
    seed: 1,
    batchSize: 64,
  });
  try {
    const rate = async (epoch: number): Promise<number> => {
      const started = performance.now();
      let images = 0;
      for await (const batch of loader.epoch(epoch)) images += batch.indices.length;
      return (images / (performance.now() - started)) * 1000;
    };
    return { firstPerSecond: await rate(0), cachedPerSecond: await rate(1), threads: pool.size };
  } finally {
    await loader.dispose();
  }
}
