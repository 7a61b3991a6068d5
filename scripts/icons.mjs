// Draws the PNG icons in static/icons from static/icon.svg. Run by hand after the drawing changed; the results are committed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { ROOT } from './lib/build.mjs';
import { chromiumArgs, findChromium } from './lib/chromium.mjs';

const svg = readFileSync(join(ROOT, 'static/icon.svg'), 'utf8');
// A mask may cut away all outside the central circle of 80 % (and Apple's rounds the corners itself): square edges, smaller drawing.
const square = svg
  .replace(' rx="112"', '')
  .replace('viewBox="0 0 512 512"', 'viewBox="0 0 512 512" overflow="visible"');
const maskable = square
  .replace('<g fill="none"', '<g transform="translate(46 46) scale(.82)"><g fill="none"')
  .replace('</svg>', '</g></svg>');

const ICONS = [
  { name: 'icon-192', size: 192, drawing: svg },
  { name: 'icon-512', size: 512, drawing: svg },
  { name: 'maskable-192', size: 192, drawing: maskable },
  { name: 'maskable-512', size: 512, drawing: maskable },
  { name: 'apple-touch-icon', size: 180, drawing: square },
];

const browser = await chromium.launch({ executablePath: findChromium() ?? undefined, args: chromiumArgs() });
const page = await browser.newPage();
for (const { name, size, drawing } of ICONS) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${drawing}`);
  await page.screenshot({ path: join(ROOT, `static/icons/${name}.png`), omitBackground: true });
}
await browser.close();
