// Runs import.ts and sample.ts in Chromium with the project's own build settings.
import { playwright } from '@vitest/browser-playwright';
import { mergeConfig } from 'vitest/config';
import base from '../../vite.config.ts';
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs';

const launchOptions = {
  executablePath: findChromium() ?? undefined,
  // Exact numbers of memory; without it they are rounded and old.
  args: [...chromiumArgs(), '--enable-precise-memory-info'],
};

export default mergeConfig(
  { ...base, test: {} },
  {
    test: {
      include: ['tests/bench/{import,sample}.ts'],
      testTimeout: 600_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions }),
        instances: [{ browser: 'chromium' }],
      },
    },
  },
);
