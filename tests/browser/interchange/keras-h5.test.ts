// HDF5 files beyond our own reader, in Chromium: the HDF5 library reads them in a worker under the site's Content-Security-Policy, and
// is ended when it does not come to an end.
import { beforeAll, describe, expect, test } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { openKerasH5 } from '$lib/interchange/weights/keras-h5';
import { openHdf5 } from '$lib/interchange/weights/hdf5/file';
import { openWithLibrary } from '$lib/interchange/weights/hdf5/library';
import { Hdf5Unknown } from '$lib/interchange/weights/hdf5/problem';
import { numbers, writeH5 } from '../../unit/interchange/weights/h5-files';
import type { H5Layer } from '../../unit/interchange/weights/h5-files';
import { mutations } from '../../unit/interchange/support/mutate';

/** Over eight members make the library keep a group of the new kind in a heap. */
const LAYERS: readonly H5Layer[] = Array.from({ length: 20 }, (_, at) => ({
  name: `conv${at}`,
  weights: [
    { name: `conv${at}/kernel:0`, shape: [3, 3, 2, 4] },
    { name: `conv${at}/bias:0`, shape: [4] },
  ],
}));

/** What svelte.config.js allows scripts: WebAssembly, but no code out of texts. */
const POLICY = "script-src 'self' 'wasm-unsafe-eval' blob:; connect-src 'self' blob: data:";

let bytes: Uint8Array<ArrayBuffer>;
const violations: string[] = [];

beforeAll(async () => {
  document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => violations.push(violatedDirective));
  const meta = document.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  meta.content = POLICY;
  document.head.append(meta);
  // The library writes the file here in the page, where the policy holds.
  bytes = await writeH5(LAYERS, { libver: 'latest' });
});

test('the library needs no more than the policy allows', async () => {
  expect(bytes.length).toBeGreaterThan(1000);
  const forbidden = 'data:text/javascript,export default 1';
  await expect(import(/* @vite-ignore */ forbidden)).rejects.toThrow();
  expect(violations.filter((directive) => !directive.startsWith('script-src'))).toEqual([]);
  expect(violations).toHaveLength(1);
});

test('the file is one that our own reader does not know', async () => {
  const root = await openHdf5(new Blob([bytes]));
  await expect(root.get('conv3')).rejects.toBeInstanceOf(Hdf5Unknown);
});

describe('the HDF5 library', () => {
  test('reads it, values and names', async () => {
    const file = await openKerasH5(new Blob([bytes]), 'weights.h5');
    expect(file.tensors.map(({ name }) => name)).toEqual(LAYERS.flatMap(({ weights }) => weights.map(({ name }) => name.replace(':0', '')))); // prettier-ignore
    expect(file.tensors[6]).toMatchObject({ name: 'conv3/kernel', shape: [3, 3, 2, 4], dtype: 'float32' });
    expect(await file.tensors[6].read()).toEqual(numbers('conv3/conv3/kernel:0', [3, 3, 2, 4]));
  });

  test('gives clear errors or tensors for damaged copies', { timeout: 120_000 }, async () => {
    let refused = 0;
    for (const copy of mutations(bytes, 12, bytes.length)) {
      try {
        await openKerasH5(new Blob([copy]), 'weights.h5');
      } catch (error) {
        if (!(error instanceof TrainyardError) || error.code !== 'weights-unreadable') throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(3);
  });

  test('is ended when a damaged file sends it round in circles', async () => {
    // The length of a text in the heap, 15, changed: the library looks for the next one in the middle of others, and for ever.
    const at = indexOf(bytes, [15, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode('conv18/kernel:0')]);
    expect(at).toBeGreaterThan(0);
    const damaged = bytes.slice();
    damaged[at] = 136;
    const start = performance.now();
    await expect(openWithLibrary(new Blob([damaged]))).rejects.toThrow(/does not come to an end/);
    // A second of trying, the rest is the start of the library.
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

function indexOf(whole: Uint8Array, part: readonly number[]): number {
  return whole.findIndex((_, at) => part.every((byte, index) => whole[at + index] === byte));
}
