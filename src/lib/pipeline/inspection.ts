// What an import learns of an image file by decoding it.

export type Inspection =
  | {
      ok: true;
      /** After EXIF orientation. */
      width: number;
      height: number;
      /** Per channel R, G, B over all pixels, values 0..255; for mean and deviation. */
      sums: readonly [number, number, number];
      squares: readonly [number, number, number];
      /** How many pixels the sums count. */
      pixels: number;
      /** Absent where the image itself is small. */
      thumbnail?: { mime: string; bytes: Uint8Array<ArrayBuffer> };
    }
  /** `reason` continues "could not be read: ". */
  | { ok: false; reason: string };

/** Longest side of a gallery thumbnail, in pixels. */
export const THUMBNAIL_SIDE = 160;

/** Checks files in order; an entry per file. What the importer is given. */
export type Inspect = (files: readonly Blob[]) => Promise<Inspection[]>;
