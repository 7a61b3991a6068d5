// Samples for the page to look at before a run: those that the run itself would make, from the same images, settings and streams.
// A later request ends an earlier one. Knows nothing of storage; its owner says what a version holds.

import { TrainyardError } from '$lib/core/errors';
import { stream } from '$lib/core/random';
import type { Job } from '$lib/job/job';
import type { Item } from '$lib/storage/records';
import { applyMix, drawMix, type MixPlan } from './mix';
import type { DecodePool } from './pool';
import type { PixelPreprocess } from './preprocess';

export interface PreviewRequest {
  versionId: string;
  /** Of images of the version; another is an error, 'version-images'. Those of its train split are changed as a run changes them. */
  paths: readonly string[];
  job: Pick<Job, 'preprocess' | 'augment' | 'mix' | 'seed'>;
  /** How many copies of each image: those of epochs `epoch`, `epoch + 1`... (from 0). */
  copies: number;
  epoch: number;
}

export interface PreviewImages {
  /** RGB before normalisation, [copies * paths, height, width, 3]: all images of the first epoch, then all of the next. */
  images: Uint8Array<ArrayBuffer>;
  shape: readonly [number, number, number, 3];
  /** Of each epoch: how its images, taken as one batch, were mixed with each other; null where they were not. */
  mixes: readonly (MixPlan | null)[];
}

export interface Previewer {
  /** Null where a later request came before this one was done. */
  preview(request: PreviewRequest): Promise<PreviewImages | null>;
  /** Lets threads and images go; the next request starts them again. */
  dispose(): void;
}

export interface PreviewerOptions {
  openPool(): DecodePool;
  /** Of a version; asked when it is another than the last time. */
  itemsOf(versionId: string): Promise<readonly Item[]>;
  /** Disposed of without a request for so long. Default one minute. */
  idleMs?: number;
}

interface Source {
  blob: string;
  path: string;
  /** The image's place among the train images, by which its random numbers go in a run. */
  stream: string;
}

export function createPreviewer({ openPool, itemsOf, idleMs = 60_000 }: PreviewerOptions): Previewer {
  let pool: DecodePool | null = null;
  let version: { id: string; sources: Promise<ReadonlyMap<string, Source>> } | null = null;
  let latest = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;

  function dispose(): void {
    clearTimeout(idle);
    latest++;
    pool?.dispose();
    pool = null;
    version = null;
  }

  function sourcesOf(versionId: string): Promise<ReadonlyMap<string, Source>> {
    if (version?.id === versionId) return version.sources;
    const sources = itemsOf(versionId).then(sourcesByPath);
    const own = { id: versionId, sources };
    version = own;
    // A failure is not kept: the next request asks again.
    sources.catch(() => {
      if (version === own) version = null;
    });
    return sources;
  }

  async function make(request: PreviewRequest, isStale: () => boolean): Promise<PreviewImages | null> {
    const { job, copies, epoch: first } = request;
    const { image_size: side, resize, interpolation } = job.preprocess;
    const preprocess: PixelPreprocess = { imageSize: [side, side], resize, interpolation };
    const epochs = Array.from({ length: copies }, (_, copy) => first + copy);
    const sources = pick(await sourcesOf(request.versionId), request.paths);
    const [count, size] = [sources.length, side * side * 3];
    const images = new Uint8Array(copies * count * size);
    if (isStale()) return null;
    const threads = (pool ??= openPool());
    // The thread that has decoded an image keeps it. An image a call, so that little is made for nothing once a later request
    // has come.
    const lanes = Array.from({ length: threads.size }, async (_, lane) => {
      for (let at = lane; at < count && !isStale(); at += threads.size) {
        const order = { item: sources[at], preprocess, augment: job.augment, seed: job.seed, epochs };
        const samples = await threads.thread(lane)('preview', order);
        for (let copy = 0; copy < copies; copy++)
          images.set(samples.subarray(copy * size, (copy + 1) * size), (copy * count + at) * size);
      }
    });
    await Promise.all(lanes);
    if (isStale()) return null;
    const mixes = epochs.map((epoch, copy) => {
      const batch = images.subarray(copy * count * size, (copy + 1) * count * size);
      return mixInPlace(batch, [count, side, side, 3], job, epoch);
    });
    return { images, shape: [copies * count, side, side, 3], mixes };
  }

  return {
    async preview(request) {
      const own = ++latest;
      const isStale = () => own !== latest;
      clearTimeout(idle);
      try {
        return await make(request, isStale);
      } catch (error) {
        // What an outdated request failed over is nobody's concern.
        if (isStale()) return null;
        throw error;
      } finally {
        if (!isStale()) idle = setTimeout(dispose, idleMs);
      }
    },
    dispose,
  };
}

/** Images of other splits come after those of train. */
function sourcesByPath(items: readonly Item[]): ReadonlyMap<string, Source> {
  const train = items.filter(({ split }) => split === 'train');
  const others = items.filter(({ split }) => split !== 'train');
  return new Map([...train, ...others].map(({ path, blob }, index) => [path, { path, blob, stream: `${index}` }]));
}

function pick(sources: ReadonlyMap<string, Source>, paths: readonly string[]): Source[] {
  return paths.map((path) => {
    const source = sources.get(path);
    if (source !== undefined) return source;
    throw new TrainyardError('version-images', `The data set has no image "${path}".`, 'Choose images that it has.');
  });
}

/** As the mixer mixes the first batch of the epoch. */
function mixInPlace(
  images: Uint8Array,
  shape: readonly [number, number, number, number],
  { mix, seed }: PreviewRequest['job'],
  epoch: number,
): MixPlan | null {
  if (shape[0] === 0 || (mix.mixup === 0 && mix.cutmix === 0)) return null;
  const plan = drawMix(mix, shape, stream(seed, 'mix', epoch, 0));
  if (plan !== null) images.set(applyMix(plan, images, shape, { values: new Float32Array(), shape: [0] }).images);
  return plan;
}
