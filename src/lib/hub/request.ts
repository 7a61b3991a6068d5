// One request to an allowed host, with an end to waiting. Workers may be loaded without the page's content policy, so the hosts are
// checked here too.

import { isAllowed } from '../../../scripts/lib/hub.mjs';
import type { RequestOptions } from './contract';
import { hostRefused, offline, redirectRefused, silent, unreachable } from './refusals';

export const SILENCE_MS = 30_000;

export interface Opened {
  response: Response;
  /** Reads the next bytes; null at the end. A server that falls silent is an error. */
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Ends the transfer. */
  close(): void;
}

/** A connection that ended before its time: worth another attempt. */
export class BrokenConnection extends Error {}

/**
 * Sends the request and waits for the head of the answer, whatever its status. Throws 'hub-host', 'hub-offline', 'hub-unreachable',
 * 'hub-silent'; a caller's abort as it comes.
 */
export async function request(url: string, init: RequestInit, options: RequestOptions): Promise<Opened> {
  const { hub, silenceMs = SILENCE_MS } = options;
  const target = new URL(url);
  if (!isAllowed(target, hub.sources)) throw hostRefused(target, hub);
  const controller = new AbortController();
  const { signal } = options;
  const forward = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) forward();
  signal?.addEventListener('abort', forward);
  const close = (): void => {
    signal?.removeEventListener('abort', forward);
    controller.abort();
  };

  /** Fails when `work` takes too long; the request is then over. */
  async function inTime<Value>(work: Promise<Value>): Promise<Value> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(silent(target.host, silenceMs / 1000)), silenceMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  try {
    const { fetch } = options;
    // Neither cookies nor where the person comes from: the hub learns the name of the file and no more.
    const sent = fetch(url, {
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      ...init,
      signal: controller.signal,
    });
    sent.catch(() => undefined);
    const response = await inTime(sent).catch((error: unknown) => {
      throw failure(error, target.host, signal);
    });
    const landed = response.url === '' ? target : new URL(response.url);
    if (!isAllowed(landed, hub.sources)) throw redirectRefused(landed, hub);
    const reader = response.body?.getReader();
    return {
      response,
      close,
      async read() {
        if (reader === undefined) return null;
        const pending = reader.read();
        pending.catch(() => undefined);
        const { done, value } = await inTime(pending).catch((error: unknown) => {
          if (signal?.aborted === true || !(error instanceof Error) || isOurs(error)) throw error;
          throw new BrokenConnection(error.message, { cause: error });
        });
        return done ? null : new Uint8Array(value);
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

function failure(error: unknown, host: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true || (error instanceof Error && isOurs(error))) return error;
  // Not everywhere: Node has no such property.
  if (typeof navigator !== 'undefined' && 'onLine' in navigator && !navigator.onLine) return offline(host);
  return unreachable(host, error);
}

function isOurs(error: Error): boolean {
  return error.name === 'TrainyardError';
}

/** The whole answer as JSON, or null when it is none, too long or does not come: for what is only good to know. */
export async function optionalJson(url: string, options: RequestOptions, limit = 4e6): Promise<unknown> {
  let opened: Opened | null = null;
  try {
    opened = await request(url, { headers: { Accept: 'application/json' } }, options);
    if (!opened.response.ok) return null;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for (let piece = await opened.read(); piece !== null; piece = await opened.read()) {
      length += piece.length;
      if (length > limit) return null;
      pieces.push(piece);
    }
    return JSON.parse(await new Blob(pieces).text());
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    return null;
  } finally {
    opened?.close();
  }
}
