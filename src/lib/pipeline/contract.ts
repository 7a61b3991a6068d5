// Pixels on their way to the net.

/** 8-bit RGB, rows from the top, no padding: data[(y * width + x) * 3 + channel]. */
export interface PixelImage {
  width: number;
  height: number;
  data: Uint8Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>;
}

/**
 * The same bytes as one kind of array. Loops over pixels that meet both kinds are compiled for both, which took up to twice the time.
 */
export function bytesOf({ data }: Pick<PixelImage, 'data'>): Uint8Array<ArrayBuffer> {
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Turns an encoded image into pixels, EXIF orientation applied, alpha composed on white. Throws TrainyardError('unreadable-image'). */
export type DecodeImage = (file: Blob) => Promise<PixelImage>;

/** Where encoded bytes come from (storage, a zip, memory). */
export type ReadBlob = (hash: string) => Promise<Blob>;

/** One collated batch, ready for the engine. */
export interface LoadedBatch {
  /** [n, height, width, 3], 0..255. */
  images: Uint8Array<ArrayBuffer>;
  shape: readonly [number, number, number, 3];
  /** Indices into the split's items, in batch order. */
  indices: readonly number[];
}
