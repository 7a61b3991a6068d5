// Stored weights from files and from the hub: asks only for what is not here yet. What is in the files, `describe` says.

import { TrainyardError } from '$lib/core/errors';
import type { InputPreprocess, WeightsSource } from '$lib/interchange/weights/contract';
import type { PretrainedWeights } from '$lib/models/contract';
import type { WeightsEvent, WeightsOffer } from '$lib/rpc/protocol';
import type { Database } from '$lib/storage/database';
import { appendDownload, downloadPart, getDownload, removeDownload, startDownload } from '$lib/storage/downloads';
import type { WeightsRecord } from '$lib/storage/records';
import { addWeights, findWeights, touchWeights, weightsId } from '$lib/storage/weights';
import type { DownloadStore, Hub, RequestOptions } from './contract';
import { fetchWeights, type FetchedWeights } from './fetch-weights';
import { readHub } from './hosts';
import { remoteOffer, type RemoteReference } from './locate';
import { parseReference } from './reference';
import { cancelled } from './refusals';

type Description = Pick<WeightsRecord, 'format' | 'tensors' | 'values' | 'architecture' | 'preprocess' | 'classes'>;

export interface HubServiceOptions {
  /** Replaces the build's hub: 'BASE [ORIGIN ...]'. */
  hub?: string;
  database: () => Promise<Database>;
  /** Names that exist, with what is known of them where the hub says nothing. */
  published: readonly PretrainedWeights[];
  describe: (files: readonly WeightsSource[], name: string) => Promise<Description>;
}

export interface HubRequest {
  reference: string;
  /** Replaces the configured hub: 'BASE [ORIGIN ...]'. */
  hub?: string;
}

type OnEvent = (event: WeightsEvent) => void;

/** Often enough for a bar, rarely enough for the wire. */
const PROGRESS_EVERY_MS = 100;

export function createHubService(service: HubServiceOptions) {
  const { database: connect, published, describe } = service;

  function optionsFor(hub: Hub, signal?: AbortSignal): RequestOptions {
    return { hub, signal, fetch: globalThis.fetch.bind(globalThis), known: published.map(({ name }) => name) };
  }

  /** Reads and keeps files that were given. Throws 'weights-unreadable'. */
  async function importFiles(
    request: { name: string; source: string | null; files: readonly WeightsSource[] },
    onEvent: OnEvent,
    signal?: AbortSignal,
  ): Promise<WeightsRecord> {
    const { name, source, files } = request;
    const database = await connect();
    const bytes = sizeOf(files);
    onEvent({ type: 'progress', phase: 'check', done: 0, total: bytes });
    const description = await describe(files, name);
    stopIfAborted(signal);
    const id = await weightsId(files);
    stopIfAborted(signal);
    onEvent({ type: 'progress', phase: 'store', done: 0, total: bytes });
    const sources = source === null ? [] : [source];
    const record = await addWeights(database, {
      record: { ...description, ...stamps(), id, name, sources, bytes, licence: null },
      files,
    });
    onEvent({ type: 'progress', phase: 'store', done: bytes, total: bytes });
    return record;
  }

  /** What a download would bring. Asks nobody when the weights are here. */
  async function offer({ reference, hub: given }: HubRequest): Promise<WeightsOffer> {
    const hub = readHub(given ?? service.hub);
    const database = await connect();
    const stored = await findStored(database, reference, hub);
    if (stored !== null) {
      const { name, bytes, licence } = stored;
      return { reference, url: '', name, bytes, received: bytes, stored, licence };
    }
    const remote = remoteOf(reference, hub);
    const { file, bytes, licence } = await remoteOffer(remote, optionsFor(hub));
    const kept = await getDownload(database, file.url);
    return {
      reference,
      url: file.url,
      name: remote.name,
      bytes,
      received: kept?.received ?? 0,
      stored: null,
      licence: licence ?? publishedAs(remote.name)?.licence ?? null,
    };
  }

  /** The weights, downloaded unless they are here. One download of the same weights at a time, over all tabs. */
  async function download(
    { reference, hub: given }: HubRequest,
    onEvent: OnEvent,
    signal?: AbortSignal,
  ): Promise<WeightsRecord> {
    const hub = readHub(given ?? service.hub);
    const database = await connect();
    const here = async (): Promise<WeightsRecord | null> => {
      const stored = await findStored(database, reference, hub);
      if (stored !== null) await touchWeights(database, stored.id);
      return stored;
    };
    const stored = await here();
    if (stored !== null) return stored;
    const remote = remoteOf(reference, hub);
    const work = async (): Promise<WeightsRecord> => (await here()) ?? fetchAndStore(database, reference, remote);

    async function fetchAndStore(
      database: Database,
      reference: string,
      remote: RemoteReference,
    ): Promise<WeightsRecord> {
      const fetched = await fetchWeights(remote, {
        ...optionsFor(hub, signal),
        store: storeIn(database),
        onProgress: throttled(onEvent),
        onCheck: (bytes) => onEvent({ type: 'progress', phase: 'check', done: 0, total: bytes }),
      });
      return keep(database, reference, remote, fetched, onEvent);
    }

    try {
      return await navigator.locks.request(`trainyard-download ${remote.name}`, { signal }, work);
    } catch (error) {
      // Waiting for the lock was cancelled.
      if (signal?.aborted === true && !(error instanceof TrainyardError)) throw cancelled(0, null);
      throw error;
    }
  }

  async function keep(
    database: Database,
    reference: string,
    remote: RemoteReference,
    fetched: FetchedWeights,
    onEvent: OnEvent,
  ): Promise<WeightsRecord> {
    const { files, id } = fetched;
    const known = publishedAs(remote.name);
    const bytes = sizeOf(files);
    let description: Description;
    try {
      description = await describe(files, remote.name);
    } catch (error) {
      // The whole file is here and is no weights: going on with it later would end in the same way.
      await fetched.release();
      throw error;
    }
    onEvent({ type: 'progress', phase: 'store', done: 0, total: bytes });
    const record = await addWeights(database, {
      record: {
        ...description,
        ...stamps(),
        id,
        name: remote.name,
        sources: [...new Set([reference.trim(), canonical(remote)])],
        bytes,
        preprocess: description.preprocess ?? fetched.preprocess ?? (known === null ? null : preprocessOf(known)),
        classes: description.classes ?? fetched.classes,
        licence: fetched.licence ?? known?.licence ?? null,
      },
      files,
    });
    await fetched.release();
    onEvent({ type: 'progress', phase: 'store', done: bytes, total: bytes });
    return record;
  }

  function publishedAs(name: string): PretrainedWeights | null {
    return published.find((weights) => weights.name === name) ?? null;
  }

  return { importFiles, offer, download };
}

/** By what the person wrote, or by the name that it comes down to. */
async function findStored(database: Database, reference: string, hub: Hub): Promise<WeightsRecord | null> {
  const found = await findWeights(database, reference.trim());
  if (found !== null) return found;
  const parsed = parseReference(reference, hub);
  return parsed.kind === 'content' ? null : findWeights(database, canonical(parsed));
}

/** Throws 'weights-missing' for content that is not here: nobody can be asked for it. */
function remoteOf(reference: string, hub: Hub): RemoteReference {
  const parsed = parseReference(reference, hub);
  if (parsed.kind !== 'content') return parsed;
  throw new TrainyardError(
    'weights-missing',
    `The weights with the content ${parsed.id.slice(0, 12)} are not in this browser.`,
    'Give the file again or download it again by its name.',
  );
}

function canonical(remote: RemoteReference): string {
  if (remote.kind === 'address') return remote.url;
  return remote.revision === 'main' ? remote.name : `${remote.name}@${remote.revision}`;
}

function storeIn(database: Database): DownloadStore {
  return {
    get: (url) => getDownload(database, url),
    start: (start) => startDownload(database, start),
    append: (record, bytes) => appendDownload(database, record, bytes),
    part: (url, part) => downloadPart(database, url, part),
    remove: (url) => removeDownload(database, url),
  };
}

function preprocessOf({ mean, std, imageSize, interpolation }: PretrainedWeights): InputPreprocess {
  return { mean, std, interpolation, imageSize: [imageSize, imageSize], resize: null };
}

function stamps(): { createdAt: number; usedAt: number } {
  const now = Date.now();
  return { createdAt: now, usedAt: now };
}

function sizeOf(files: readonly WeightsSource[]): number {
  return files.reduce((sum, { blob }) => sum + blob.size, 0);
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new TrainyardError('cancelled', 'The import was cancelled; nothing of it was kept.');
}

function throttled(onEvent: OnEvent): (progress: { done: number; total: number | null }) => void {
  let last = 0;
  return ({ done, total }) => {
    const now = Date.now();
    if (done !== total && now - last < PROGRESS_EVERY_MS) return;
    last = now;
    onEvent({ type: 'progress', phase: 'download', done, total });
  };
}
