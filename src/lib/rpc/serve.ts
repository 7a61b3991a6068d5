// The worker's end of the wire: exposes an object of async methods over comlink. Knows nothing of what they do.

import * as Comlink from 'comlink';
import { serializeError } from '$lib/core/errors';
import { HELLO, type Answer } from './wire';

type Method = (...parameters: unknown[]) => unknown;

/**
 * Serves the methods of `api` on `endpoint` (the worker's own global scope unless told).
 * A function among the arguments is an event callback: its calls are sent without waiting, but the method's answer leaves only
 * after the page has taken every event, so that no event can arrive after its end. Errors leave as data.
 */
export function serve<Api extends object>(api: Api, endpoint?: Comlink.Endpoint): void {
  const served: Record<string, (...parameters: unknown[]) => Promise<Answer<unknown>>> = {
    [HELLO]: () => Promise.resolve({ ok: true, value: null }),
  };
  for (const [name, method] of Object.entries(api)) {
    if (typeof method === 'function') served[name] = (...parameters) => answer(method.bind(api), parameters);
  }
  Comlink.expose(served, endpoint);
}

async function answer(method: Method, parameters: unknown[]): Promise<Answer<unknown>> {
  const callbacks: Comlink.Remote<Method>[] = [];
  // One port delivers in order, so the last delivery stands for all.
  let lastDelivery: Promise<unknown> = Promise.resolve();
  const given = parameters.map((parameter) => {
    if (!isRemoteCallback(parameter)) return parameter;
    callbacks.push(parameter);
    return (event: unknown): void => {
      // client.ts reports what a listener throws, in the page, where it belongs; the work goes on.
      lastDelivery = Promise.resolve(parameter(event)).catch(() => undefined);
    };
  });
  try {
    const value = await method(...given);
    await lastDelivery;
    return { ok: true, value };
  } catch (error) {
    await lastDelivery;
    return { ok: false, error: serializeError(error) };
  } finally {
    for (const callback of callbacks) callback[Comlink.releaseProxy]();
  }
}

function isRemoteCallback(parameter: unknown): parameter is Comlink.Remote<Method> {
  return typeof parameter === 'function';
}
