// Runs weights.ts in Node, each case in a process of its own: what a process once held would hide what the next case takes.
import { defineConfig } from 'vitest/config';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const CASES = ['safetensors float32', 'safetensors float16', 'pytorch float32', 'pytorch float16'];

export default defineConfig({
  root: path('../..'),
  resolve: { alias: { $lib: path('../../src/lib'), $models: path('../../models') } },
  test: {
    globalSetup: [path('weights.setup.ts')],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    projects: CASES.map((name) => ({
      extends: true as const,
      test: {
        name,
        include: ['tests/bench/weights.ts'],
        env: { TRAINYARD_BENCH_CASE: name },
        execArgv: ['--expose-gc'],
        testTimeout: 120_000,
      },
    })),
  },
});
