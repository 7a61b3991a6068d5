// The confusion matrix in both forms, and the table of classes: what they show and how they are used without a mouse.
import axe from 'axe-core';
import { page, userEvent } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import ConfusionHeatmap from '../../../src/lib/ui/evaluate/ConfusionHeatmap.svelte';
import ConfusionMatrix from '../../../src/lib/ui/evaluate/ConfusionMatrix.svelte';
import PerClassTable from '../../../src/lib/ui/evaluate/PerClassTable.svelte';

const names = ['cat', 'dog', 'owl'];
const matrix = [
  [8, 2, 0],
  [5, 5, 0],
  [0, 1, 3],
];
const none = { truth: null, predicted: null };

test('cells show counts or shares of their row, and a click tells the pair', async () => {
  const onselect = vi.fn();
  const { rerender } = await render(ConfusionMatrix, { matrix, names, mode: 'count', selected: none, onselect });
  const cell = page.getByRole('gridcell', { name: /^dog called cat: 5 images, 50.0 % of dog/ });
  await expect.element(cell).toHaveTextContent('5');
  await cell.click();
  expect(onselect).toHaveBeenLastCalledWith(1, 0);
  await rerender({ mode: 'row', selected: { truth: 1, predicted: 0 } });
  await expect.element(cell).toHaveTextContent('50 %');
  await expect.element(cell).toHaveAttribute('aria-selected', 'true');
});

test('arrow keys move through the matrix and Enter chooses; one stop for Tab', async () => {
  const onselect = vi.fn();
  await render(ConfusionMatrix, { matrix, names, mode: 'count', selected: none, onselect });
  await userEvent.tab();
  await expect.element(page.getByRole('gridcell', { name: /^cat called cat/ })).toHaveFocus();
  await userEvent.keyboard('{ArrowRight}{ArrowDown}{ArrowDown}{Enter}');
  await expect.element(page.getByRole('gridcell', { name: /^owl called dog/ })).toHaveFocus();
  expect(onselect).toHaveBeenLastCalledWith(2, 1);
});

test('two hundred classes are one picture that reads out the cell under the cursor', async () => {
  const many = Array.from({ length: 200 }, (_, index) => `class ${index}`);
  const large = many.map((_, row) => many.map((_, column) => Number(row === column) * 9 + Number(column === row + 1)));
  const onselect = vi.fn();
  await render(ConfusionHeatmap, { matrix: large, names: many, mode: 'row', selected: none, onselect });
  const picture = page.getByRole('application');
  picture.element().focus();
  await userEvent.keyboard('{Shift>}{ArrowDown}{/Shift}{ArrowRight}{ArrowRight}');
  await expect.element(page.getByText('class 10 called class 2')).toBeVisible();
  await userEvent.keyboard('{Enter}');
  expect(onselect).toHaveBeenLastCalledWith(10, 2);
  // A right answer and a mistake differ in colour, and an empty cell is the ground.
  const canvas = document.querySelector('canvas');
  const pixels = canvas?.getContext('2d')?.getImageData(0, 0, 3, 1).data ?? new Uint8ClampedArray();
  const color = (x: number) => [...pixels.subarray(4 * x, 4 * x + 3)].join();
  expect(new Set([color(0), color(1), color(2)]).size).toBe(3);
});

test('what is undefined says so, not 0', async () => {
  const classes = [
    { class: 'cat', precision: null, recall: 0, f1: 0, support: 4 },
    { class: 'dog', precision: 0.5, recall: null, f1: null, support: 0 },
  ];
  const onselect = vi.fn();
  await render(PerClassTable, { classes, selected: null, onselect });
  const cat = page.getByRole('row', { name: /cat/ });
  await expect.element(cat).toHaveTextContent('undefined');
  await expect.element(cat).toHaveTextContent('0.0 %');
  await page.getByRole('button', { name: 'dog' }).click();
  expect(onselect).toHaveBeenCalledWith(1);
});

test('of very many classes the worst come first, more on demand, any by its name', async () => {
  const classes = Array.from({ length: 500 }, (_, index) => {
    const score = ((index * 7) % 500) / 500;
    return { class: `class ${index}`, precision: score, recall: score, f1: score, support: 3 };
  });
  await render(PerClassTable, { classes, selected: null, onselect: vi.fn() });
  const rows = () => document.querySelectorAll('tbody tr');
  expect(rows()).toHaveLength(40);
  expect(rows()[0].textContent).toContain('class 0');
  await page.getByRole('button', { name: 'Show more' }).click();
  expect(rows().length).toBeGreaterThan(40);
  await page.getByRole('searchbox', { name: 'Find a class' }).fill('class 499');
  await expect.poll(() => rows().length).toBe(1);
});

test('matrix and table have nothing serious against them', async () => {
  const classes = names.map((name) => ({ class: name, precision: 0.5, recall: null, f1: 0.2, support: 1 }));
  await render(ConfusionMatrix, { matrix, names, mode: 'count', selected: none, onselect: vi.fn() });
  await render(PerClassTable, { classes, selected: 1, onselect: vi.fn() });
  const { violations } = await axe.run(document.body, { rules: { region: { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
});
