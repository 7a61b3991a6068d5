// Samples of single images for a form that is being edited: made as samples.ts makes them, but with settings that differ from call to
// call, so that decoded images are kept rather than finished ones.

import { stream } from '$lib/core/random';
import { augment } from './augment';
import type { DecodeImage, PixelImage } from './contract';
import type { PreviewOrder, ReadBlobs } from './messages';
import { changesOf, decodeNamed, prepareSource } from './samples';
import type { WeightCache } from './weights';

/** [epochs, height, width, 3]. */
export type PreviewMaker = (order: PreviewOrder) => Promise<Uint8Array<ArrayBuffer>>;

// Each: a dozen photographs of 3 megapixels. Larger ones are decoded again when the size changes, not when a colour does.
const KEPT_BYTES = 96e6;

export function createPreviewMaker(decode: DecodeImage, readBlobs: ReadBlobs): PreviewMaker {
  const weights: WeightCache = new Map();
  const decoded = createShelf();
  const prepared = createShelf();

  async function decodedImage(item: PreviewOrder['item']): Promise<PixelImage> {
    const known = decoded.get(item.blob);
    if (known !== undefined) return known;
    const [blob] = await readBlobs([item.blob]);
    const image = await decodeNamed(decode, blob, item);
    decoded.put(item.blob, image);
    return image;
  }

  return async ({ item, preprocess, augment: settings, seed, epochs }) => {
    const changes = changesOf(settings);
    const crops = changes?.random_resized_crop.enabled === true;
    const key = JSON.stringify([item.blob, preprocess, crops]);
    let image = prepared.get(key);
    if (image === undefined) {
      image = prepareSource(await decodedImage(item), preprocess, changes, weights);
      prepared.put(key, image);
    }
    const [height, width] = preprocess.imageSize;
    const size = height * width * 3;
    const result = new Uint8Array(epochs.length * size);
    for (const [position, epoch] of epochs.entries()) {
      const random = stream(seed, 'augment', epoch, item.stream);
      const sample = changes === null ? image : augment(image, changes, preprocess, random, weights);
      result.set(sample.data, position * size);
    }
    return result;
  };
}

/** Images by name, as many as fit; the one that was not asked for the longest goes first. */
function createShelf() {
  const images = new Map<string, PixelImage>();
  let bytes = 0;
  function remove(key: string): PixelImage | undefined {
    const image = images.get(key);
    if (image !== undefined) bytes -= image.data.byteLength;
    images.delete(key);
    return image;
  }
  function put(key: string, image: PixelImage): void {
    remove(key);
    images.set(key, image);
    bytes += image.data.byteLength;
    for (const oldest of images.keys()) {
      if (bytes <= KEPT_BYTES || oldest === key) break;
      remove(oldest);
    }
  }
  return {
    put,
    get(key: string): PixelImage | undefined {
      const image = remove(key);
      if (image !== undefined) put(key, image);
      return image;
    },
  };
}
