// A chart draws its series, has a table with the same numbers behind it, and follows the theme.
import { page, userEvent } from 'vitest/browser';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import LineChart from '../../../src/lib/ui/charts/LineChart.svelte';
import ChartSettings from '../../../src/lib/ui/charts/ChartSettings.svelte';
import Chart from './support/chart.svelte';
import Pair from './support/chart-pair.svelte';
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

/** Draws with the pointer over a part of the plot, from and to as shares of its width. */
async function drawOver(from: number, to: number): Promise<void> {
  const over = document.querySelector<HTMLElement>('.u-over')!;
  const box = over.getBoundingClientRect();
  // Without a movement uPlot takes it for one of the events that some browsers make up.
  const at = (share: number) => ({
    clientX: box.left + share * box.width,
    clientY: box.top + 20,
    movementX: 5,
    bubbles: true,
  });
  over.dispatchEvent(new MouseEvent('mousemove', at(from)));
  over.dispatchEvent(new MouseEvent('mousedown', at(from)));
  document.dispatchEvent(new MouseEvent('mousemove', at(to)));
  over.dispatchEvent(new MouseEvent('mousemove', at(to)));
  document.dispatchEvent(new MouseEvent('mouseup', at(to)));
  await Promise.resolve();
}

test('drawing over a part zooms into it, all charts of one sync alike, and new values do not take it back', async () => {
  const { component } = await render(Pair, { start: series });
  await expect.poll(() => document.querySelectorAll('canvas').length === 2 && red() > 100).toBe(true);
  const before = red();
  await drawOver(0.5, 1);
  const zoomed = component.zoomed();
  // x goes from 1 to 4: the right half.
  expect(zoomed?.min).toBeCloseTo(2.5, 1);
  expect(zoomed?.max).toBeCloseTo(4, 1);
  await expect.poll(() => red() !== before).toBe(true);
  const half = red();
  component.show([{ ...series[0], x: [1, 2, 3, 4, 5], y: [1.5, 1, 0.7, 0.5, 0.4] }, series[1]]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(Math.abs(red() - half)).toBeLessThan(before * 0.3);
  expect(component.zoomed()).toEqual(zoomed);
  // Either chart shows all again, and a double click does, too.
  await page.getByRole('button', { name: 'Show all of Second' }).click();
  expect(component.zoomed()).toBeNull();
  await drawOver(0.5, 0.505);
  expect(component.zoomed()).toBeNull();
  await drawOver(0.2, 0.6);
  expect(component.zoomed()).not.toBeNull();
  document.querySelector('.u-over')!.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  await expect.poll(() => component.zoomed()).toBeNull();
});

test('the values under the cursor are those of every chart, the nearest where one has none just there', async () => {
  await render(Pair, { start: series });
  await expect.poll(() => document.querySelectorAll('canvas').length).toBe(2);
  const over = document.querySelector<HTMLElement>('.u-over')!;
  const box = over.getBoundingClientRect();
  // x = 2 of 1 to 4.
  over.dispatchEvent(
    new MouseEvent('mousemove', { clientX: box.left + box.width / 3, clientY: box.top + 20, bubbles: true }),
  );
  const captions = () =>
    [...document.querySelectorAll('figcaption')].map((one) => one.textContent.replace(/\s+/g, ' '));
  await expect.poll(() => captions()[0]).toMatch(/epoch 2 .*Train 1 .*Validation 1\.2/);
  // The second chart has x = 1, 4 alone: 1 is nearer.
  await expect.poll(() => captions()[1]).toMatch(/epoch .*Other 30/);
});

test('smoothing draws the raw curve pale behind, and a logarithmic scale says why a curve of zeros is missing', async () => {
  const x = Array.from({ length: 30 }, (_, index) => index + 1);
  const zigzag: Series = { ...series[0], x, y: x.map((at) => at % 2) };
  const { rerender } = await render(LineChart, { title: 'Loss', series: [zigzag], xLabel: 'epoch' });
  await expect.poll(() => canvas() !== null && red() > 100).toBe(true);
  const raw = red();
  await rerender({ smoothing: 0.9 });
  // The strong curve is nearly flat now, so much shorter than the zigzag, which is pale.
  await expect.poll(() => red() > 20 && red() < 0.6 * raw).toBe(true);
  const pale = () => pixels((r, g, b, a) => r > 200 && g < 120 && b < 120 && a > 40 && a < 160);
  expect(pale()).toBeGreaterThan(50);
  await rerender({ smoothing: 0, logarithmic: true, series: [{ ...zigzag, y: x.map(() => 0) }] });
  await expect.element(page.getByText('No value above zero: the scale is logarithmic.')).toBeVisible();
  await rerender({ series: [{ ...zigzag, y: x.map((at) => (at === 3 ? 0 : 1 / at)) }] });
  await expect.poll(() => canvas() !== null && red() > 20).toBe(true);
});

test('stacked bars cover one another by their parts, and their values are told as parts', async () => {
  const part = (id: string, color: string, y: number[]): Series => ({ id, label: id, color, x: [1, 2, 3, 4], y });
  await render(LineChart, {
    title: 'Time per step',
    xLabel: 'epoch',
    stacked: true,
    series: [part('compute', 'rgb(255, 0, 0)', [10, 10, 10, 10]), part('data', 'rgb(0, 0, 255)', [5, 5, 5, 5])],
  });
  await expect.poll(() => canvas() !== null && red() > 500 && blue() > 250).toBe(true);
  expect(red() / blue()).toBeCloseTo(2, 0);
  await expect.element(page.getByText(/compute 10 data 5/)).toBeVisible();
});

test('charts can be set without a pointer: smoothing, scale, axis and a part', async () => {
  const onchange = vi.fn();
  const look = { axis: 'epoch', smoothing: 0.5, logarithmic: false, zoom: null };
  const axes = [
    { value: 'epoch', title: 'Epochs' },
    { value: 'step', title: 'Steps' },
  ];
  const { rerender } = await render(ChartSettings, { look, axes, extent: { min: 0, max: 40 }, onchange });
  const slider = document.querySelector<HTMLInputElement>('input[type=range]')!;
  slider.focus();
  await userEvent.keyboard('{ArrowRight}');
  expect(onchange).toHaveBeenLastCalledWith({ ...look, smoothing: 0.51 });
  await page.getByRole('switch', { name: 'Logarithmic' }).click();
  expect(onchange).toHaveBeenLastCalledWith({ ...look, logarithmic: true });
  await page.getByRole('combobox', { name: 'Show' }).selectOptions('quarter');
  expect(onchange).toHaveBeenLastCalledWith({ ...look, zoom: { min: 30, max: 40 } });
  // Another axis has other values: a part of the old one means nothing on it.
  await rerender({ look: { ...look, zoom: { min: 12, max: 13 } } });
  await expect.element(page.getByRole('combobox', { name: 'Show' })).toHaveValue('drawn');
  await page.getByRole('combobox', { name: 'Over' }).selectOptions('step');
  expect(onchange).toHaveBeenLastCalledWith({ ...look, axis: 'step', zoom: null });
});
