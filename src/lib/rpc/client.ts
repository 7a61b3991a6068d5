// The page's end of the wire: starts each worker on its first call and gives its methods typed as in protocol.ts.
// Nothing here knows what the methods do, and nothing heavy is imported: the workers are separate bundles.

import * as Comlink from 'comlink';
import { TrainyardError, deserializeError } from '$lib/core/errors';
import { weightsWorkerName } from './hub-name';
import type { DataApi, InferApi, TrainApi, WeightsApi } from './protocol';
import { HELLO, type Answer } from './wire';

/** A worker that never answers the first call failed to load; in development its modules are compiled meanwhile. */
const START_TIMEOUT_MS = 60_000;

type RemoteMethods = Record<string, (...parameters: unknown[]) => Promise<Answer<unknown>>>;

export interface Connection<Api> {
  /** Starts the worker on its first call. Every failure is a TrainyardError. */
  readonly api: Api;
  /** Ends the worker at once; calls under way are rejected with 'worker-ended'. The next call starts a new one. */
  terminate(): void;
}

export interface ConnectOptions {
  /** For messages: 'The training worker'. */
  title: string;
  start: () => Worker;
  timeoutMs?: number;
  /** Errors that nobody awaited, after the worker had started. */
  onFault?: (error: TrainyardError) => void;
}

interface Link {
  worker: Worker;
  remote: RemoteMethods;
  /** Resolves when the worker listens. */
  ready: Promise<void>;
  /** Rejects when the worker fails or ends; never resolves. */
  broken: Promise<never>;
  /** Makes `broken` reject. */
  break: (error: TrainyardError) => void;
}

/** One worker with its methods; see {@link Connection}. */
export function connect<Api extends object>(options: ConnectOptions): Connection<Api> {
  let link: Link | null = null;

  function drop(error: TrainyardError): void {
    const old = link;
    link = null;
    if (old === null) return;
    old.worker.terminate();
    old.break(error);
  }

  function open(): Link {
    link ??= openLink(options, drop);
    return link;
  }

  async function call(name: string, parameters: unknown[]): Promise<unknown> {
    const current = open();
    const sent = parameters.map((parameter) => (isListener(parameter) ? listen(parameter) : parameter));
    const answered = current.ready.then(() => current.remote[name](...sent));
    const answer = await Promise.race([answered, current.broken]);
    if (answer.ok) return answer.value;
    throw deserializeError(answer.error);
  }

  const api = new Proxy<Record<string, unknown>>(
    {},
    {
      get(_, name) {
        // 'then' would make the table look like a promise to await.
        if (typeof name !== 'string' || name === 'then') return undefined;
        return (...parameters: unknown[]) => call(name, parameters);
      },
    },
  );
  // The proxy answers every method name; the worker's composition root is checked against the same interface.
  return {
    api: api as Api,
    terminate: () => drop(new TrainyardError('worker-ended', `${options.title} was ended.`, '', { badInput: false })),
  };
}

function openLink(options: ConnectOptions, drop: (error: TrainyardError) => void): Link {
  const { title, start, timeoutMs = START_TIMEOUT_MS, onFault } = options;
  const worker = start();
  const remote = Comlink.wrap(worker) as unknown as RemoteMethods; // comlink types methods it cannot know
  let reject: (error: TrainyardError) => void = () => undefined;
  const broken = new Promise<never>((_, rejectBroken) => {
    reject = rejectBroken;
  });
  // Handled by whoever races it; a worker that breaks between calls must not be an unhandled rejection.
  broken.catch(() => undefined);
  let started = false;
  const timer = setTimeout(() => drop(notStarted(title, `it did not answer within ${timeoutMs / 1000} s`)), timeoutMs);
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message || 'its file could not be loaded';
    if (!started) drop(notStarted(title, reason));
    else onFault?.(new TrainyardError('worker-fault', `${title} reported: ${reason}`, '', { badInput: false }));
  };
  const ready = remote[HELLO]().then(() => {
    started = true;
    clearTimeout(timer);
  });
  return {
    worker,
    remote,
    ready,
    broken,
    break: (error) => {
      clearTimeout(timer);
      reject(error);
    },
  };
}

type Listener = (...events: unknown[]) => unknown;

function isListener(parameter: unknown): parameter is Listener {
  return typeof parameter === 'function';
}

/** A listener's own error is the page's: it is reported here and does not travel to the worker. */
function listen(listener: Listener): Listener {
  return Comlink.proxy((...events: unknown[]): void => {
    try {
      listener(...events);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  });
}

function notStarted(title: string, reason: string): TrainyardError {
  return new TrainyardError(
    'worker-not-started',
    `${title} did not start: ${reason}.`,
    'Reload the page; if that does not help, the site is incomplete or the browser too old.',
    { badInput: false },
  );
}

/** The hub that scripts/server.mjs wrote into the page that it serves; '' on every other host, where the build's holds. */
function hubOfPage(): string {
  return document.querySelector('meta[name="trainyard-hub"]')?.getAttribute('content') ?? '';
}

/** The workers of the app, each started on its first call. One of these per page. */
export interface Clients {
  data: Connection<DataApi>;
  train: Connection<TrainApi>;
  infer: Connection<InferApi>;
  weights: Connection<WeightsApi>;
}

/** Nothing starts until a method is called. */
export function createClients(onFault?: (error: TrainyardError) => void): Clients {
  return {
    data: connect<DataApi>({
      title: 'The data worker',
      start: () => new Worker(new URL('../../../workers/data.ts', import.meta.url), { type: 'module', name: 'data' }),
      onFault,
    }),
    train: connect<TrainApi>({
      title: 'The training worker',
      start: () => new Worker(new URL('../../../workers/train.ts', import.meta.url), { type: 'module', name: 'train' }),
      onFault,
    }),
    infer: connect<InferApi>({
      title: 'The inference worker',
      start: () => new Worker(new URL('../../../workers/infer.ts', import.meta.url), { type: 'module', name: 'infer' }),
      onFault,
    }),
    weights: connect<WeightsApi>({
      title: 'The weights worker',
      start: () =>
        new Worker(new URL('../../../workers/weights.ts', import.meta.url), {
          type: 'module',
          name: weightsWorkerName(hubOfPage()),
        }),
      onFault,
    }),
  };
}
