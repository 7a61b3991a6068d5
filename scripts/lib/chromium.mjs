// Finds the Chromium that the tests, the demo and the command line drive, and holds its switches. Installs nothing.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
);
const WINDOWS_APPS = ['ProgramFiles', 'ProgramFiles(x86)', 'LocalAppData']
  .map((variable) => process.env[variable])
  .filter((folder) => folder !== undefined)
  .flatMap((folder) => [
    join(folder, 'Google/Chrome/Application/chrome.exe'),
    join(folder, 'Microsoft/Edge/Application/msedge.exe'),
  ]);

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of a Chromium, or null where there is none. CHROMIUM_PATH comes first, and when it is set nothing else counts:
 * a wrong path is better reported than replaced by another browser.
 * @returns {string | null}
 */
export function findChromium() {
  const asked = process.env.CHROMIUM_PATH;
  if (asked) return isExecutable(asked) ? asked : null;
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    '/usr/bin',
    '/usr/local/bin',
    '/snap/bin',
  ];
  const candidates = [
    ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...MAC_APPS,
    ...WINDOWS_APPS,
  ];
  return candidates.find(isExecutable) ?? null;
}

/**
 * Switches for a headless Chromium. Software WebGPU (SwiftShader) exists only on Linux builds and only when asked for; on a machine
 * with a real adapter (TRAINYARD_GPU=1) it must not be asked for, or the GPU stays unused.
 */
export function chromiumArgs() {
  const software = process.platform === 'linux' && process.env.TRAINYARD_GPU !== '1';
  return [
    // Containers run as root and without user namespaces, where Chromium's sandbox refuses to start.
    ...(process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--enable-unsafe-webgpu',
    ...(software ? ['--use-webgpu-adapter=swiftshader'] : []),
    ...(process.platform === 'linux' ? ['--enable-features=Vulkan'] : []),
    '--disable-background-networking',
    '--disable-component-update',
    // /dev/shm is 64 MB in most containers; larger decoded images would crash the renderer.
    '--disable-dev-shm-usage',
  ];
}
