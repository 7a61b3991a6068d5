// How the page and its workers are built, served in development, and tested.
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumArgs, findChromium } from './scripts/lib/chromium.mjs';
import { isolation } from './scripts/vite/isolation.ts';
import { threadedWasm } from './scripts/vite/threaded-wasm.ts';

// Named here so that none is discovered in the middle of a run: a late discovery reloads the page and loses the run.
const PREBUNDLED = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
  '@tensorflow/tfjs-converter',
  'axe-core',
  'comlink',
  'fastest-levenshtein',
  'fflate',
  'idb',
  'jszip',
  'papaparse',
  'uplot',
];

export default defineConfig({
  plugins: [isolation(), tailwindcss(), sveltekit()],
  // Workers are built apart from the page and take no plugin from the list above.
  worker: { format: 'es', plugins: () => [threadedWasm()] },
  // In step with the content policy, which svelte.config.js makes of the same setting.
  define: { __TRAINYARD_HUB__: JSON.stringify(process.env.TRAINYARD_HUB ?? '') },
  build: { target: 'es2023', assetsInlineLimit: 0 },
  server: { host: '127.0.0.1', fs: { allow: ['models', 'workers', 'tests', 'scripts', 'static'] } },
  preview: { host: '127.0.0.1' },
  optimizeDeps: {
    entries: ['src/**/*.{ts,svelte}', 'workers/**/*.ts', 'models/**/*.ts', 'tests/browser/**/*.ts'],
    include: PREBUNDLED,
    // onnxruntime-web: its file finds its .wasm beside itself, which is no longer true once Vite moves it into a pre-bundle.
    // lucide: every new icon would be a late discovery; each is one small file and needs no bundle.
    exclude: ['onnxruntime-web', '@lucide/svelte'],
  },
  test: {
    passWithNoTests: true,
    coverage: { provider: 'v8', include: ['src/**', 'models/**', 'workers/**'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['tests/{unit,contract,parity}/**/*.test.ts'],
          testTimeout: 60_000,
          // Two cores: more workers only compete for memory bandwidth.
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // One page at a time: tests of throughput and of WebGPU disturb each other.
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: findChromium() ?? undefined, args: chromiumArgs() },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['tests/e2e/**/*.test.ts'],
          // Concurrent tests start a browser each.
          maxConcurrency: 2,
          // A second, the default, is less than what a busy machine takes for a reload.
          expect: { poll: { timeout: 30_000 } },
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
