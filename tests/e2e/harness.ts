// A built site, a server that can be stopped, and a headless Chromium with a profile of its own, for the end-to-end tests.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright';
import { BUILD, ensureBuild } from '../../scripts/lib/build.mjs';
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs';

/** A copy of the up-to-date build, which a test may change. */
export async function copyOfBuild(): Promise<string> {
  const { ok, output } = ensureBuild();
  if (!ok) throw new Error(`The build failed:\n${output}`);
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-site-'));
  await cp(BUILD, folder, { recursive: true });
  return folder;
}

export interface Browser {
  context: BrowserContext;
  /** Closes the browser and removes its profile. */
  close(): Promise<void>;
}

/** A profile on disk, because service workers and large storage need one that is not private. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null)
    throw new Error('No Chromium was found; run "npm test" once, which installs it or says how.');
  const profile = await mkdtemp(join(tmpdir(), 'trainyard-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: chromiumArgs(),
  });
  return {
    context,
    async close() {
      await context.close();
      // Chromium's helpers may hold files for a moment after it has gone.
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
