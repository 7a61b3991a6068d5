// Both ends of the line between a pool and one decode worker: calls, answers, failures to load, silence. Plain messages: comlink
// keeps only an error's text and waits for ever for a worker that did not load.

import { deserializeError, serializeError, TrainyardError } from '$lib/core/errors';
import type { Ask, DecodeCalls, CallName, FromWorker, ReadBlobs, ToWorker } from './messages';
import { createService, type ServiceParts } from './service';

/** The part of a worker's global scope that is used. */
export interface WorkerScope {
  postMessage(message: FromWorker, options: { transfer: Transferable[] }): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

/** The worker's end: answers calls until the worker ends. */
export function serveDecoding(scope: WorkerScope, parts: ServiceParts): void {
  const send = (message: FromWorker, transfer: Transferable[] = []) => scope.postMessage(message, { transfer });
  const reads = createReads((id, hashes) => send({ type: 'read', id, hashes }));
  let proxied = false;
  const ask = createService({
    decoder: parts.decoder,
    readBlobs: (hashes) => (proxied ? reads.read(hashes) : parts.readBlobs(hashes)),
  });
  scope.addEventListener('message', ({ data }) => {
    if (data.type === 'proxy-blobs') proxied = true;
    else if (data.type !== 'call') reads.settle(data);
    else
      ask(data.name, data.parameters).then(
        (value) => send({ type: 'value', id: data.id, value }, transferable(value)),
        (error: unknown) => send({ type: 'error', id: data.id, error: serializeError(error) }),
      );
  });
  send({ type: 'ready' });
}

/** Batches are handed over, not copied. Thumbnails are: each of their few kilobytes would be one more entry to transfer. */
function transferable(value: DecodeCalls[CallName]['value']): Transferable[] {
  return value instanceof Uint8Array ? [value.buffer] : [];
}

interface Pending<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** Questions by number, each answered once. */
class Questions<Value> {
  private readonly pending = new Map<number, Pending<Value>>();
  private last = 0;

  get open(): number {
    return this.pending.size;
  }

  ask(send: (id: number) => void): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const id = ++this.last;
      this.pending.set(id, { resolve, reject });
      send(id);
    });
  }

  take(id: number): Pending<Value> | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

function createReads(send: (id: number, hashes: readonly string[]) => void) {
  const questions = new Questions<Blob[]>();
  return {
    read: (hashes: readonly string[]) => questions.ask((id) => send(id, hashes)),
    settle(message: Extract<ToWorker, { type: 'blobs' | 'blobs-failed' }>): void {
      const question = questions.take(message.id);
      if (message.type === 'blobs') question?.resolve([...message.blobs]);
      else question?.reject(deserializeError(message.error));
    },
  };
}

export interface LinkOptions {
  spawn: () => Worker;
  /** Answers for the worker instead of its database. */
  readBlobs?: ReadBlobs;
  /** A worker that has work and says nothing for so long is given up. */
  silenceMs: number;
}

export interface Link {
  ask: Ask;
  /** False once the worker has failed or was ended: every further call is rejected. */
  readonly alive: boolean;
  /** Ends the worker; calls under way are rejected with `reason`. */
  end(reason: TrainyardError): void;
}

/** The pool's end: one worker. Its failure rejects all calls under way with one TrainyardError, `worker-...`. */
export function openLink({ spawn, readBlobs, silenceMs }: LinkOptions): Link {
  const worker = spawn();
  const questions = new Questions<DecodeCalls[CallName]['value']>();
  let ready = false;
  let failure: TrainyardError | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function end(reason: TrainyardError): void {
    failure ??= reason;
    clearTimeout(timer);
    worker.terminate();
    questions.rejectAll(failure);
  }

  /** Two halves: a computer that wakes up finds the first timer long overdue, and its worker needs a moment to speak. */
  function watch(half: 1 | 2 = 1): void {
    clearTimeout(timer);
    if (failure !== null || questions.open === 0) return;
    timer = setTimeout(() => (half === 1 ? watch(2) : end(silent(ready, silenceMs))), silenceMs / 2);
  }

  worker.onerror = (event) => {
    event.preventDefault();
    end(broken(ready, event.message));
  };
  worker.onmessageerror = () => end(broken(ready, 'a message could not be read'));
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    switch (data.type) {
      case 'ready':
        ready = true;
        break;
      case 'value':
        questions.take(data.id)?.resolve(data.value);
        break;
      case 'error':
        questions.take(data.id)?.reject(deserializeError(data.error));
        break;
      case 'read':
        void answerRead(data.id, data.hashes);
        break;
      default:
        data satisfies never;
    }
    watch();
  };

  async function answerRead(id: number, hashes: readonly string[]): Promise<void> {
    try {
      const blobs = (await readBlobs?.(hashes)) ?? [];
      post({ type: 'blobs', id, blobs });
    } catch (error) {
      post({ type: 'blobs-failed', id, error: serializeError(error) });
    }
  }

  const post = (message: ToWorker) => worker.postMessage(message);
  if (readBlobs !== undefined) post({ type: 'proxy-blobs' });

  const ask: Ask = async (name, parameters) => {
    if (failure !== null) throw failure;
    const answer = questions.ask((id) => post({ type: 'call', id, name, parameters }));
    watch();
    // The wire carries all calls alike; serveDecoding answers each with its own value.
    return (await answer) as DecodeCalls[typeof name]['value'];
  };
  return {
    ask,
    get alive() {
      return failure === null;
    },
    end,
  };
}

function broken(ready: boolean, found: string): TrainyardError {
  const reason = found || 'its file could not be loaded';
  return ready
    ? new TrainyardError('worker-failed', `The image decoder stopped: ${reason}.`, 'Try again.', { badInput: false })
    : new TrainyardError('worker-not-started', `The image decoder did not start: ${reason}.`, 'Reload the page.', {
        badInput: false,
      });
}

function silent(ready: boolean, silenceMs: number): TrainyardError {
  const seconds = Math.round(silenceMs / 1000);
  return ready
    ? new TrainyardError('worker-silent', `The image decoder gave no answer for ${seconds} s.`, 'Try again.', {
        badInput: false,
      })
    : broken(false, `it did not answer within ${seconds} s`);
}
