// Runs wasm-step.ts in Node, where tfjs takes its SIMD build with one thread.
import { mergeConfig } from 'vitest/config';
import base from '../../vite.config.ts';

export default mergeConfig(
  { ...base, test: {} },
  { test: { include: ['tests/bench/wasm-step.ts'], environment: 'node', testTimeout: 600_000 } },
);
