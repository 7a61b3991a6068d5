// What a decode worker is asked and what it answers: plain data, a message per batch, not per image.

import type { SerializedError } from '$lib/core/errors';
import type { AugmentSettings } from './augment-plan';
import type { Inspection } from './inspection';
import type { PixelPreprocess } from './preprocess';

/** What samples are made from and how: the same for all batches of a loader. */
export interface SessionSettings {
  items: readonly SessionItem[];
  preprocess: PixelPreprocess;
  /** Null changes nothing: validation, test. */
  augment: AugmentSettings | null;
  seed: number;
  /** For this worker. */
  cacheBytes: number;
}

export interface SessionItem {
  /** Key for the reader of blobs. */
  blob: string;
  /** For messages about it. */
  path?: string;
  /** Names its random numbers instead of its place in the list: the same image is then changed alike whatever list it is in. */
  stream?: string;
}

export interface PreviewOrder {
  item: SessionItem & { stream: string };
  preprocess: PixelPreprocess;
  augment: AugmentSettings | null;
  seed: number;
  epochs: readonly number[];
}

export interface DecodeCalls {
  inspect: { parameters: { files: readonly Blob[]; thumbnailSide: number }; value: Inspection[] };
  open: { parameters: { session: number; settings: SessionSettings }; value: null };
  /** The samples of `indices` one after the other, [n, height, width, 3]; `repeats` as in samples.ts. */
  load: {
    parameters: { session: number; epoch: number; indices: readonly number[]; repeats?: readonly number[] };
    value: Uint8Array<ArrayBuffer>;
  };
  close: { parameters: { session: number }; value: null };
  /** One image as each of the epochs would have it, [epochs, height, width, 3]. Keeps the image for the next call. */
  preview: { parameters: PreviewOrder; value: Uint8Array<ArrayBuffer> };
}

export type CallName = keyof DecodeCalls;

/** Makes a call; how it travels is the caller's affair. */
export type Ask = <Name extends CallName>(
  name: Name,
  parameters: DecodeCalls[Name]['parameters'],
) => Promise<DecodeCalls[Name]['value']>;

/** Reads encoded images by their keys, in order. */
export type ReadBlobs = (hashes: readonly string[]) => Promise<Blob[]>;

export type ToWorker =
  | { type: 'call'; id: number; name: CallName; parameters: DecodeCalls[CallName]['parameters'] }
  /** Before any call: blobs come from the creator of the pool, not from the database. */
  | { type: 'proxy-blobs' }
  | { type: 'blobs'; id: number; blobs: readonly Blob[] }
  | { type: 'blobs-failed'; id: number; error: SerializedError };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'value'; id: number; value: DecodeCalls[CallName]['value'] }
  | { type: 'error'; id: number; error: SerializedError }
  | { type: 'read'; id: number; hashes: readonly string[] };
