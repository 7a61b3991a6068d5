// From an image of any size to the net's input size: the one function that training, evaluation, prediction and the command line
// share. Normalisation is not here: it is part of the graph, so pixels stay 8-bit.

import type { ResolvedPreprocess } from '$lib/storage/records';
import type { PixelImage } from './contract';
import { resize, type Box, type Size } from './resize';
import type { WeightCache } from './weights';

/**
 * Fills what a letterboxed image leaves free, all channels. The common constant of detection pipelines; also ImageNet's mean
 * within a grey level, so that the padding is near 0 after normalisation.
 */
export const LETTERBOX_GREY = 114;

/** What of {@link ResolvedPreprocess} decides about pixels. */
export type PixelPreprocess = Pick<ResolvedPreprocess, 'imageSize' | 'resize' | 'interpolation'>;

/**
 * The image at [height, width] of the net, antialiased as Pillow does it.
 * - stretch: both sides to the target, the aspect ratio is lost.
 * - crop: resized until it just covers the target, then the middle is taken (torchvision's Resize and CenterCrop).
 * - letterbox: resized until it just fits, centred on grey ({@link LETTERBOX_GREY}).
 *
 * Returns the image itself where nothing has to change.
 */
export function applyPreprocess(image: PixelImage, preprocess: PixelPreprocess, cache?: WeightCache): PixelImage {
  const [height, width] = preprocess.imageSize;
  if (image.width === width && image.height === height) return image;
  const target = { width, height };
  const { interpolation } = preprocess;
  switch (preprocess.resize) {
    case 'stretch':
      return resize(image, target, { interpolation }, { cache });
    case 'crop': {
      const { size, window } = coverGeometry(image, target);
      return resize(image, size, { interpolation }, { window, cache });
    }
    case 'letterbox': {
      const inner = fitGeometry(image, target);
      return paste(resize(image, inner, { interpolation }, { cache }), inner, target);
    }
    default:
      return preprocess.resize satisfies never;
  }
}

/** The size at which an image just covers the target, and the middle window of it. */
export function coverGeometry(image: Size, target: Size): { size: Size; window: Box } {
  const byWidth = target.width / image.width >= target.height / image.height;
  // The longer side is cut, not rounded, as torchvision's Resize does.
  const size = byWidth
    ? { width: target.width, height: Math.max(target.height, Math.floor((target.width * image.height) / image.width)) }
    : {
        width: Math.max(target.width, Math.floor((target.height * image.width) / image.height)),
        height: target.height,
      };
  const window = {
    x: roundHalfEven((size.width - target.width) / 2),
    y: roundHalfEven((size.height - target.height) / 2),
    ...target,
  };
  return { size, window };
}

/** Where an image lies in the target when it just fits: its size and its corner. */
export function fitGeometry(image: Size, target: Size): Box {
  const scale = Math.min(target.width / image.width, target.height / image.height);
  const width = Math.min(target.width, Math.max(1, Math.round(image.width * scale)));
  const height = Math.min(target.height, Math.max(1, Math.round(image.height * scale)));
  return { x: (target.width - width) >> 1, y: (target.height - height) >> 1, width, height };
}

function paste({ data }: PixelImage, box: Box, target: Size): PixelImage {
  const result = new Uint8Array(target.width * target.height * 3).fill(LETTERBOX_GREY);
  for (let row = 0; row < box.height; row++) {
    const line = data.subarray(row * box.width * 3, (row + 1) * box.width * 3);
    result.set(line, ((box.y + row) * target.width + box.x) * 3);
  }
  return { ...target, data: result };
}

/** Python's round(), which torchvision's CenterCrop uses: 0.5 is 0, 1.5 is 2. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
