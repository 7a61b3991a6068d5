// Sends files to the command line's output folder, in pieces that fit the debugging channel.

import type { SerializedError } from '$lib/core/errors';

/** A multiple of 3, so that the base64 pieces need no padding between them. */
const PIECE_BYTES = 3 * 1024 * 1024;

declare global {
  interface Window {
    /** Defined by scripts/cli/host.mjs. */
    trainyardWrite?: (path: string, base64: string, append: boolean) => Promise<void>;
    trainyardEvent?: (event: unknown) => Promise<void>;
    /** What scripts/cli/host.mjs calls; defined once the screen is ready. */
    trainyard?: {
      nextInput(): void;
      takeInput(prefix: string, name: string): void;
      run(
        name: string,
        request: unknown,
      ): Promise<{ ok: true; value: unknown } | { ok: false; error: SerializedError }>;
      stop(): Promise<void>;
    };
  }
}

/** Writes `content` to `path` ('/' between parts) inside the folder that the command line opened. */
export async function writeFile(path: string, content: Blob | string): Promise<void> {
  const blob = typeof content === 'string' ? new Blob([content]) : content;
  let offset = 0;
  do {
    const piece = await toBase64(blob.slice(offset, offset + PIECE_BYTES));
    await window.trainyardWrite?.(path, piece, offset > 0);
    offset += PIECE_BYTES;
  } while (offset < blob.size);
}

/** Tells the command line; `from` says which part speaks. */
export function tell(from: string, event: object): void {
  void window.trainyardEvent?.({ from, ...event });
}

function toBase64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = typeof reader.result === 'string' ? reader.result : '';
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () => reject(reader.error ?? new Error('The file could not be read.'));
    reader.readAsDataURL(blob);
  });
}
