// What the parts of the hub agree on: who may be asked, what is asked for, where what has come is kept.

import type { DownloadRecord } from '$lib/storage/records';
import type { Hub } from '../../../scripts/lib/hub.mjs';

export type { Hub };

/** Keeps what has come of downloads. In the browser it is storage/downloads.ts. */
export interface DownloadStore {
  get(url: string): Promise<DownloadRecord | null>;
  /** From nothing. */
  start(start: Pick<DownloadRecord, 'url' | 'etag' | 'total'>): Promise<DownloadRecord>;
  append(record: DownloadRecord, bytes: Uint8Array<ArrayBuffer>): Promise<DownloadRecord>;
  part(url: string, part: number): Promise<Uint8Array<ArrayBuffer> | null>;
  remove(url: string): Promise<void>;
}

/** How requests are made; tests shorten the times. */
export interface RequestOptions {
  hub: Hub;
  fetch: typeof fetch;
  signal?: AbortSignal;
  /** A server that sends nothing for so long has failed. */
  silenceMs?: number;
  /** Waits before each new attempt after a broken connection; their number is the number of attempts. */
  retryAfterMs?: readonly number[];
  /** Names that exist, for "did you mean". */
  known?: readonly string[];
}

/** A file that weights consist of. */
export interface RemoteFile {
  url: string;
  /** Its name among the files of the model: 'model.safetensors'. */
  path: string;
  /** Null where nobody says. */
  bytes: number | null;
  /** Hex; null where nobody says. */
  sha256: string | null;
}
