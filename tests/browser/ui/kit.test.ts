// The kit as a whole: what axe finds in both themes, targets for fingers, and the controls that have behaviour of their own.
import axe from 'axe-core';
import { page, userEvent } from 'vitest/browser';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import Kit from './support/kit.svelte';

beforeEach(async () => {
  await page.viewport(1000, 800);
  await render(Kit);
});

afterEach(() => {
  delete document.documentElement.dataset.theme;
});

test.each(['light', 'dark'])('axe finds nothing in the %s theme', async (theme) => {
  document.documentElement.dataset.theme = theme;
  // Colours fade for 100 ms; in between they are neither.
  await new Promise((resolve) => setTimeout(resolve, 250));
  // The frame around the test has no title or language of ours.
  const { violations, passes } = await axe.run('main', { rules: { 'document-title': { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
  // It did look at the colours.
  expect(passes.find(({ id }) => id === 'color-contrast')?.nodes.length).toBeGreaterThan(30);
});

test('on a phone every button and field is at least 40 px high, most 44', async () => {
  await page.viewport(390, 800);
  const small = [...document.querySelectorAll<HTMLElement>('main button, main input:not([type=checkbox]), main select')]
    // The question mark behind a label and the cross in a chip are extras; their text is at hand otherwise.
    .filter((one) => !/^(About|Remove) /.test(one.getAttribute('aria-label') ?? ''))
    .filter((one) => one.getBoundingClientRect().height < 40)
    .map((one) => one.outerHTML.slice(0, 80));
  expect(small).toEqual([]);
});

test('a table sorts up, down and back to where it was', async () => {
  const order = () => [...document.querySelectorAll('tbody tr')].map((row) => row.textContent?.trim().at(0));
  const header = page.getByRole('button', { name: 'Value' });
  await header.click();
  expect(order()).toEqual(['b', 'a', 'c']);
  await expect.element(page.getByRole('columnheader', { name: 'Value' })).toHaveAttribute('aria-sort', 'ascending');
  await header.click();
  expect(order()).toEqual(['c', 'a', 'b']);
  await header.click();
  expect(order()).toEqual(['a', 'b', 'c']);
});

test('ticking rows one by one ticks the box for all, which unticks them', async () => {
  const all = page.getByRole('checkbox', { name: 'Select all' });
  const boxes = () => document.querySelectorAll('tbody input:checked').length;
  expect(boxes()).toBe(1);
  expect((all.element() as HTMLInputElement).indeterminate).toBe(true);
  await page.getByRole('checkbox', { name: 'Select b' }).click();
  await page.getByRole('checkbox', { name: 'Select c' }).click();
  await expect.element(all).toBeChecked();
  await all.click();
  await expect.poll(boxes).toBe(0);
});

test('tabs follow the arrow keys and the panel follows the tabs', async () => {
  await page.getByRole('tab', { name: /One/ }).click();
  await userEvent.keyboard('{ArrowRight}');
  await expect.element(page.getByRole('tab', { name: 'Two' })).toHaveFocus();
  await expect.element(page.getByRole('tabpanel')).toHaveTextContent('Part two');
  await userEvent.keyboard('{ArrowRight}');
  await expect.element(page.getByRole('tabpanel')).toHaveTextContent('Part one');
});

test('an error names itself: what was found, what to do, and the code', async () => {
  const alert = page.getByRole('alert');
  await expect.element(alert).toHaveTextContent(/It failed\s*What was found\.\s*What to do\.\s*some-code/);
});

test('a switch is pressed with the space bar and says so', async () => {
  const toggle = page.getByRole('switch', { name: 'Switch' });
  await expect.element(toggle).toBeChecked();
  (toggle.element() as HTMLElement).focus();
  await userEvent.keyboard(' ');
  await expect.element(toggle).not.toBeChecked();
});
