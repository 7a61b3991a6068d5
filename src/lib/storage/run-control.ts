// Control of a run from any tab: who asks need not know where the run computes; the worker that holds its lock hears it and acts.
// Says nothing back: what became of it is in the run's record and events.

export type RunRequest = 'stop' | 'pause' | 'continue' | 'save';

const CHANNEL = 'trainyard-control';
const REQUESTS: readonly unknown[] = ['stop', 'pause', 'continue', 'save'] satisfies RunRequest[];

/** Asks whoever runs this run, here or in another tab. Nothing happens where nobody does. */
export function askRun(runId: string, request: RunRequest): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ runId, request });
  channel.close();
}

/** Calls back with what is asked of this run, until the function that it returns is called. */
export function onAsked(runId: string, callback: (request: RunRequest) => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isAsked(data) && data.runId === runId) callback(data.request);
  };
  return () => channel.close();
}

/** A tab of another version may say something else. */
function isAsked(data: unknown): data is { runId: string; request: RunRequest } {
  return typeof data === 'object' && data !== null && REQUESTS.includes(Reflect.get(data, 'request'));
}
