// Reads a large Blob in order, a window at a time. One window is held: memory stays bounded however large the file is.

/** Measured with a 302 MB archive: smaller windows cost a round trip each, larger ones only memory. */
const WINDOW_BYTES = 8 * 2 ** 20;

export type ReadRange = (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;

/** The function's result is a view of the window: copy what is kept. Ranges beyond the end come back shorter. */
export function windowReader(blob: Blob, windowBytes = WINDOW_BYTES): ReadRange {
  let window: { start: number; end: number; bytes: Promise<ArrayBuffer> } | null = null;
  return async (start, end) => {
    const last = Math.min(end, blob.size);
    if (window === null || start < window.start || last > window.end) {
      const windowEnd = Math.min(blob.size, Math.max(last, start + windowBytes));
      window = { start, end: windowEnd, bytes: blob.slice(start, windowEnd).arrayBuffer() };
    }
    // Another call may replace the window while this one waits; it keeps its own.
    const { start: base, bytes } = window;
    return new Uint8Array(await bytes, start - base, Math.max(0, last - start));
  };
}
