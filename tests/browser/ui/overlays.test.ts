// Dialogs, menus and tooltips by keyboard and pointer: where the focus goes, what closes them, where they stand.
import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { place } from '../../../src/lib/ui/place';
import Overlays from './support/overlays.svelte';

let onaction: ReturnType<typeof vi.fn<(name: string) => void>>;

beforeEach(async () => {
  await page.viewport(800, 600);
  onaction = vi.fn();
  await render(Overlays, { onaction });
});

const button = (name: string) => page.getByRole('button', { name, exact: true });

test('a dialog takes the focus, closes with Escape and gives the focus back', async () => {
  await button('Open dialog').click();
  const dialog = page.getByRole('dialog', { name: 'A question' });
  await expect.element(dialog).toBeVisible();
  // The title, so that it is read aloud; the first thing to press would be the close button.
  expect(document.activeElement?.textContent).toBe('A question');
  await userEvent.keyboard('{Escape}');
  await expect.poll(() => dialog.query()).toBeNull();
  expect(onaction).toHaveBeenCalledExactlyOnceWith('closed');
  expect(document.activeElement).toBe(button('Open dialog').element());
});

test('a dialog closes by its own buttons and by a press beside it, but not by one inside', async () => {
  await button('Open dialog').click();
  await page.getByText('Its text.').click();
  await expect.element(page.getByRole('dialog')).toBeVisible();
  await button('Answer').click();
  await expect.poll(() => page.getByRole('dialog').query()).toBeNull();
  await button('Open dialog').click();
  const { left, top } = page.getByRole('dialog').element().getBoundingClientRect();
  expect(left).toBeGreaterThan(20);
  await userEvent.click(document.documentElement, { position: { x: 5, y: Math.max(5, top - 20) } });
  await expect.poll(() => page.getByRole('dialog').query()).toBeNull();
});

test('a menu opens on its first item, the arrow keys pass over what is disabled, Enter chooses', async () => {
  button('Open menu').element().focus();
  await userEvent.keyboard('{Enter}');
  await expect.poll(() => document.activeElement?.textContent?.trim()).toBe('Rename');
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.textContent?.trim()).toBe('Delete');
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.textContent?.trim()).toBe('Rename');
  await userEvent.keyboard('d{Enter}');
  expect(onaction).toHaveBeenCalledExactlyOnceWith('delete');
  await expect.poll(() => page.getByRole('menu').query()).toBeNull();
});

test('a menu says whether it is open, closes with Escape and gives the focus back', async () => {
  const trigger = button('Open menu');
  await expect.element(trigger).toHaveAttribute('aria-expanded', 'false');
  await trigger.click();
  await expect.element(trigger).toHaveAttribute('aria-expanded', 'true');
  await userEvent.keyboard('{Escape}');
  await expect.element(trigger).toHaveAttribute('aria-expanded', 'false');
  expect(document.activeElement).toBe(trigger.element());
  expect(onaction).not.toHaveBeenCalled();
});

test('a tooltip comes on keyboard focus, goes with Escape, and is a description for all', async () => {
  const anchor = button('Hover me');
  await expect.element(anchor).toHaveAccessibleDescription('Says more');
  await userEvent.tab();
  await userEvent.tab();
  await userEvent.tab();
  expect(document.activeElement).toBe(anchor.element());
  const shown = () => [...document.querySelectorAll(':popover-open')].map((one) => one.textContent);
  await expect.poll(shown).toEqual(['Says more']);
  await userEvent.keyboard('{Escape}');
  expect(shown()).toEqual([]);
});

test('what floats flips where there is no room and never leaves the window', () => {
  const make = (style: string) => {
    const element = document.createElement('div');
    element.style.cssText = `position: fixed; ${style}`;
    document.body.append(element);
    return element;
  };
  const floating = make('width: 200px; height: 100px');
  const low = make('left: 300px; top: 560px; width: 40px; height: 20px');
  place(low, floating);
  expect(floating.getBoundingClientRect()).toMatchObject({ left: 300, bottom: 556 });
  const right = make('left: 780px; top: 10px; width: 20px; height: 20px');
  place(right, floating, { align: 'end' });
  expect(floating.getBoundingClientRect()).toMatchObject({ right: 792, top: 34 });
  for (const element of [floating, low, right]) element.remove();
});
