// The gallery's grid: few elements for many items, all of them reachable by scroll and by key.
import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import Grid from './support/grid.svelte';

const ITEMS = Array.from({ length: 10_000 }, (_, index) => `item ${index}`);
const options = () => [...document.querySelectorAll<HTMLElement>('[role=option]')];
const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/** Texts of the cells that lie inside the scroller's window. */
function seen(): string[] {
  const box = document.querySelector('[role=listbox]')!.getBoundingClientRect();
  return options()
    .filter((cell) => {
      const { top, bottom } = cell.getBoundingClientRect();
      return bottom > box.top && top < box.bottom && !cell.hidden;
    })
    .map((cell) => cell.innerText)
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}

beforeEach(async () => {
  await page.viewport(800, 600);
});

test('ten thousand items are a few dozen elements', async () => {
  await render(Grid, { items: ITEMS });
  await frame();
  // 640 px hold 6 columns; 480 px hold 5 rows and a part; 3 rows more on either side.
  expect(options().length).toBeGreaterThan(30);
  expect(options().length).toBeLessThan(90);
});

test('the window shows exactly the items of its rows, wherever it is', async () => {
  await render(Grid, { items: ITEMS });
  await frame();
  const scroller = document.querySelector('[role=listbox]')!;
  for (const top of [0, 50, 1_234, 40_000, scroller.scrollHeight]) {
    scroller.scrollTop = top;
    await frame();
    const texts = seen().map((text) => Number(text.slice(5)));
    expect(texts).toEqual(Array.from({ length: texts.length }, (_, offset) => texts[0] + offset));
    expect(texts[0] % 6).toBe(0);
    expect(texts.length).toBeGreaterThanOrEqual(22);
  }
  expect(seen().at(-1)).toBe('item 9999');
});

test('scrolling makes no elements', async () => {
  await render(Grid, { items: ITEMS });
  await frame();
  const before = new Set(options());
  const scroller = document.querySelector('[role=listbox]')!;
  for (let step = 1; step <= 20; step++) {
    scroller.scrollTop = step * 333;
    await frame();
  }
  expect(options().filter((cell) => !before.has(cell))).toEqual([]);
});

test('arrow keys select, bring into view and announce the place', async () => {
  await render(Grid, { items: ITEMS });
  await page.getByRole('listbox').click({ position: { x: 20, y: 20 } });
  await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowRight}');
  await expect.element(page.getByRole('option', { selected: true })).toHaveTextContent('item 13');
  await userEvent.keyboard('{End}');
  const last = page.getByRole('option', { selected: true });
  await expect.element(last).toHaveTextContent('item 9999');
  await expect.element(last).toHaveAttribute('aria-posinset', '10000');
  expect(seen()).toContain('item 9999');
  const active = document.querySelector('[role=listbox]')!.getAttribute('aria-activedescendant');
  expect(document.getElementById(active!)?.innerText).toBe('item 9999');
});

test('Enter opens the selected item, Escape lets it go', async () => {
  const opened: number[] = [];
  await render(Grid, { items: ITEMS, onopen: (index: number) => opened.push(index) });
  await page.getByRole('listbox').click({ position: { x: 20, y: 20 } });
  await userEvent.keyboard('{ArrowRight}{Enter}{Escape}');
  expect(opened).toEqual([1]);
  await expect.poll(() => document.querySelectorAll('[aria-selected=true]').length).toBe(0);
});

test('fewer items than fit leave no empty cells', async () => {
  await render(Grid, { items: ITEMS.slice(0, 8) });
  await frame();
  expect(seen()).toEqual(ITEMS.slice(0, 8));
  expect(options().every((cell) => !cell.hidden)).toBe(true);
});
