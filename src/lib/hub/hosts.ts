// Which hub this build asks: fixed when it is built, replaced by a request's own.

import { TrainyardError } from '$lib/core/errors';
import { DEFAULT_HUB, parseHub } from '../../../scripts/lib/hub.mjs';
import type { Hub } from './contract';

/** TRAINYARD_HUB when the site was built (vite.config.ts); the content policy allows the same hosts (svelte.config.js). */
declare const __TRAINYARD_HUB__: string;

/** 'BASE [ORIGIN ...]'; the one of the build for undefined. Throws 'hub-address'. */
export function readHub(given: string | undefined): Hub {
  try {
    return parseHub(given ?? (__TRAINYARD_HUB__ === '' ? DEFAULT_HUB : __TRAINYARD_HUB__));
  } catch (error) {
    throw new TrainyardError(
      'hub-address',
      error instanceof Error ? error.message : String(error),
      'It looks like "https://hub.example.org", with further hosts for its downloads behind it.',
      { cause: error },
    );
  }
}
