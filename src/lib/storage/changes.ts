// Tells every tab and worker which stores changed, so that pages refresh themselves. Carries names, never data.

import type { StoreName } from './schema';

const CHANNEL = 'trainyard-changes';

export interface Change {
  stores: readonly StoreName[];
}

/** Tells all listeners, those of this thread too. */
export function announce(stores: readonly StoreName[]): void {
  // A channel does not hear itself, so a short-lived one reaches every listener. Messages posted before close() arrive.
  const channel = new BroadcastChannel(CHANNEL);
  const change: Change = { stores: [...stores] };
  channel.postMessage(change);
  channel.close();
}

/** Calls back after each committed write to one of `stores`. Returns a function that ends it. */
export function onChange(stores: readonly StoreName[], callback: (change: Change) => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (event: MessageEvent<Change>) => {
    if (event.data.stores.some((store) => stores.includes(store))) callback(event.data);
  };
  return () => channel.close();
}
