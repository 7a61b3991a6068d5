// Runs pipeline.ts and pipeline-wait.ts in Chromium with the project's own build settings.
import { playwright } from '@vitest/browser-playwright';
import { mergeConfig } from 'vitest/config';
import base from '../../vite.config.ts';
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs';

const launchOptions = { executablePath: findChromium() ?? undefined, args: chromiumArgs() };

export default mergeConfig(
  { ...base, test: {} },
  {
    test: {
      include: ['tests/bench/pipeline.ts', 'tests/bench/pipeline-wait.ts'],
      testTimeout: 600_000,
      browser: {
        enabled: true,
        headless: true,
        provider: playwright({ launchOptions }),
        instances: [{ browser: 'chromium' }],
      },
    },
  },
);
