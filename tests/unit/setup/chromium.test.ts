// The search for a browser, which the set-up, the tests and the command line share.
import { afterEach, expect, test, vi } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';

afterEach(() => vi.unstubAllEnvs());

test('a CHROMIUM_PATH that is not executable is not replaced by another browser', () => {
  vi.stubEnv('CHROMIUM_PATH', '/nowhere/chromium');
  expect(findChromium()).toBeNull();
});

test('CHROMIUM_PATH comes before every other browser', () => {
  vi.stubEnv('CHROMIUM_PATH', process.execPath);
  expect(findChromium()).toBe(process.execPath);
});
