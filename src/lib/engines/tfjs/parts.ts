// A batch cut into parts of consecutive images, for gradient accumulation.

import type { Batch } from '../contract';

export interface Part {
  batch: Batch;
  /** Its share of the batch's images. */
  share: number;
}

/** As equal as can be, the larger ones first; no more parts than images. Views, not copies. */
export function partsOf(batch: Batch, wanted: number): readonly Part[] {
  const [count, ...sample] = batch.shape;
  const parts = Math.max(1, Math.min(wanted, count));
  if (parts === 1) return [{ batch, share: 1 }];
  const { images, targets } = batch;
  const [imageSize, targetSize] = [images.length / count, targets.values.length / count];
  const [height, width, channels] = sample;
  let begin = 0;
  return Array.from({ length: parts }, (_, index) => {
    const size = Math.floor(count / parts) + (index < count % parts ? 1 : 0);
    const end = begin + size;
    const part: Batch = {
      images: images.subarray(begin * imageSize, end * imageSize),
      shape: [size, height, width, channels],
      targets: {
        values: targets.values.subarray(begin * targetSize, end * targetSize),
        shape: [size, ...targets.shape.slice(1)],
      },
    };
    begin = end;
    return { batch: part, share: size / count };
  });
}
