// How one call crosses a thread boundary: a value or an error, both as data. Used by client.ts and serve.ts alike.

import type { SerializedError } from '$lib/core/errors';

/** What a served method answers with. comlink alone would keep only an error's message and stack. */
export type Answer<Value> = { ok: true; value: Value } | { ok: false; error: SerializedError };

/** First call of every connection: proves that the worker's module loaded and listens. */
export const HELLO = 'hello';

/** A method table as the wire sees it: any arguments, an answer. */
export type Methods = Record<string, (...parameters: never[]) => Promise<unknown>>;
