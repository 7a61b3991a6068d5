// Runs training.ts in Node, where tfjs takes its SIMD build with one thread.
import { mergeConfig } from 'vitest/config';
import base from '../../vite.config.ts';

export default mergeConfig(
  { ...base, test: {} },
  { test: { include: ['tests/bench/training.ts'], environment: 'node', testTimeout: 1_200_000 } },
);
