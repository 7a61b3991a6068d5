// A chart draws its series, has a table with the same numbers behind it, and follows the theme.
import { page } from 'vitest/browser';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import LineChart from '../../../src/lib/ui/charts/LineChart.svelte';
import Chart from './support/chart.svelte';
import { csvOf, type Series } from '../../../src/lib/ui/charts/series';

const series: Series[] = [
  { id: 'train', label: 'Train', color: 'rgb(255, 0, 0)', x: [1, 2, 3, 4], y: [1.5, 1, 0.7, 0.5] },
  { id: 'val', label: 'Validation', color: 'rgb(0, 0, 255)', x: [2, 4], y: [1.2, 0.8] },
];

beforeEach(async () => {
  await page.viewport(800, 600);
});

afterEach(() => {
  delete document.documentElement.dataset.theme;
});

const canvas = () => document.querySelector('canvas');

/** How many pixels of the canvas are of this colour, antialiasing aside. */
function pixels(of: (r: number, g: number, b: number, a: number) => boolean): number {
  const drawn = canvas()!;
  const { data } = drawn.getContext('2d')!.getImageData(0, 0, drawn.width, drawn.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) if (of(data[i], data[i + 1], data[i + 2], data[i + 3])) found++;
  return found;
}

const red = () => pixels((r, g, b, a) => r > 200 && g < 60 && b < 60 && a > 200);
const blue = () => pixels((r, g, b, a) => b > 200 && r < 60 && g < 60 && a > 200);

test('both series are drawn in their colours', async () => {
  await render(LineChart, { title: 'Loss', series, xLabel: 'epoch' });
  await expect.poll(() => canvas() !== null && red() > 100 && blue() > 100).toBe(true);
});

test('new values are drawn without a new chart', async () => {
  const { component } = await render(Chart, { start: [series[0]] });
  await expect.poll(() => canvas() !== null && red() > 100).toBe(true);
  const before = canvas();
  const drawn = red();
  component.show([{ ...series[0], x: [1, 2, 3, 4, 5, 6], y: [1.5, 1, 0.7, 0.5, 1.4, 0.2] }]);
  await expect.poll(() => red() !== drawn).toBe(true);
  expect(canvas()).toBe(before);
});

test('the table shows the same numbers, a dash where a series has none', async () => {
  await render(LineChart, { title: 'Loss', series, xLabel: 'epoch' });
  await page.getByRole('button', { name: 'Show Loss as a table' }).click();
  const rows = [...document.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => cell.innerText));
  expect(rows).toEqual([
    ['epoch', 'Train', 'Validation'],
    ['1', '1.5', '–'],
    ['2', '1', '1.2'],
    ['3', '0.7', '–'],
    ['4', '0.5', '0.8'],
  ]);
});

test('the CSV has a row for every x and leaves out pale helper curves', () => {
  const raw: Series = { ...series[0], id: 'raw', label: 'Raw', faint: true };
  expect(csvOf([raw, ...series], 'epoch')).toBe(
    'epoch,Train,Validation\r\n1,1.5,\r\n2,1,1.2\r\n3,0.7,\r\n4,0.5,0.8\r\n',
  );
});

test('text is dark on light, and light once the theme is dark', async () => {
  document.documentElement.dataset.theme = 'light';
  await render(LineChart, { title: 'Loss', series: [series[0]], xLabel: 'epoch' });
  const grey = (low: number, high: number) =>
    pixels((r, g, b, a) => a > 150 && r > low && r < high && Math.abs(r - b) < 24 && Math.abs(r - g) < 24);
  await expect.poll(() => canvas() !== null && grey(60, 110) > 20).toBe(true);
  expect(grey(140, 190)).toBeLessThan(5);
  document.documentElement.dataset.theme = 'dark';
  await expect.poll(() => grey(140, 190) > 20 && grey(60, 110) < 5).toBe(true);
});

test('without values it says so in place of an empty frame', async () => {
  await render(LineChart, {
    title: 'Loss',
    series: [{ ...series[0], x: [], y: [] }],
    xLabel: 'epoch',
    empty: 'No epoch yet.',
  });
  await expect.element(page.getByText('No epoch yet.')).toBeVisible();
  expect(canvas()).toBeNull();
});
