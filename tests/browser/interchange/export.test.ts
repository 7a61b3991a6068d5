// The export where people use it: ONNX Runtime Web and the TF.js converter in Chromium, from our own origin, under the site's
// Content-Security-Policy.
import { beforeAll, describe, expect, test } from 'vitest';
import { createBrowserEngine } from '$lib/engines/tfjs/browser';
import { readBundle } from '$lib/interchange/bundle/read';
import type { BackendName } from '$lib/engines/contract';
import { exportModel } from '$lib/interchange/export';
import type { ExportResult } from '$lib/interchange/export';
import { onnxRuntimeWeb } from '$lib/interchange/verify/onnx-runtime';
import { tfjsRunner } from '$lib/interchange/verify/tfjs-runner';
import { randomImages } from '../../unit/interchange/support/models';
import { trainedTiny } from '../../unit/interchange/support/trained';

/** The directives of svelte.config.js that decide about code, WASM and requests. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "connect-src 'self' blob: data:",
  "object-src 'none'",
].join('; ');

const violations: string[] = [];

beforeAll(() => {
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    // What the test runner's own page does is not ours: styles and images are not restricted on the site either.
    if (!/^(style|img)-src/.test(violatedDirective)) violations.push(`${violatedDirective} ${blockedURI}`);
  });
  const meta = document.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  meta.content = POLICY;
  document.head.append(meta);
});

async function run(backend: BackendName): Promise<ExportResult> {
  const model = trainedTiny();
  const shape = [6, 24, 32, 3] as const;
  const images = { images: Uint8Array.from(randomImages(shape), (value) => Math.floor(value * 256)), shape };
  const engine = await createBrowserEngine(backend);
  const runners = { engine, onnx: await onnxRuntimeWeb(), tfjs: tfjsRunner };
  return exportModel({ model, formats: ['onnx', 'tfjs', 'safetensors'], bundle: true, images, runners });
}

test('the policy is in force', async () => {
  await expect(fetch('https://example.com/')).rejects.toThrow();
  // Told a moment after the request has failed.
  await expect.poll(() => violations).toEqual([expect.stringMatching(/^connect-src https:\/\/example\.com/)]);
  violations.length = 0;
});

describe.each(['wasm', 'webgpu'] as const)('on %s', (backend) => {
  test('every format is verified and the bundle opens', async () => {
    const { report, bundle } = await run(backend);
    expect(report.formats.map(({ format, status, reason }) => [format, status, reason])).toEqual([
      ['onnx', 'verified', ''],
      ['tfjs', 'verified', ''],
      ['safetensors', 'verified', ''],
    ]);
    for (const { relativeDifference } of report.formats) expect(relativeDifference).toBeLessThan(1e-5);
    if (bundle === null) throw new Error('There is no bundle.');
    expect((await readBundle(bundle)).classes).toEqual(trainedTiny().classes);
  });
});

test('nothing was asked of another origin', () => {
  expect(violations).toEqual([]);
  const origins = performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin);
  expect(new Set(origins.filter((origin) => origin !== 'null' && !origin.includes('example.com')))).toEqual(
    new Set([location.origin]),
  );
});
