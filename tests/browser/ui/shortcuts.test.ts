// The page's keys: single ones, combinations and sequences; never while somebody types or a dialog is open.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { flushSync } from 'svelte';
import { render } from 'vitest-browser-svelte';
import { shortcuts } from '../../../src/lib/ui/shortcuts.svelte';
import Keys from './support/keys.svelte';

const run = { j: vi.fn(), later: vi.fn(), palette: vi.fn(), go: vi.fn(), space: vi.fn() };
const one = (keys: string, action: () => void) => ({ keys, title: keys, group: 'Test', run: action });
let remove: (() => void)[];
const listen = (event: KeyboardEvent) => shortcuts.handle(event);

beforeEach(() => {
  for (const action of Object.values(run)) action.mockClear();
  document.body.innerHTML = '';
  addEventListener('keydown', listen);
  remove = [shortcuts.add([one('j', run.j), one('Mod+k', run.palette), one('g d', run.go), one('Space', run.space)])];
});

afterEach(() => {
  removeEventListener('keydown', listen);
  for (const take of remove) take();
  vi.useRealTimers();
});

function press(key: string, init: KeyboardEventInit = {}, target: EventTarget = document.body): boolean {
  return !target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }));
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  document.body.append(made);
  return made;
}

test('a key runs its action and is used up; another key is left alone', () => {
  expect(press('j')).toBe(true);
  expect(press('J', { shiftKey: true })).toBe(true);
  expect(press('q')).toBe(false);
  expect(run.j).toHaveBeenCalledTimes(2);
});

test('a field that is typed into keeps its letters but not Ctrl K', () => {
  const input = element('input');
  expect(press('j', {}, input)).toBe(false);
  expect(press('k', { ctrlKey: true }, input)).toBe(true);
  expect(run.j).not.toHaveBeenCalled();
  expect(run.palette).toHaveBeenCalledOnce();
  const slider = element('input');
  slider.type = 'range';
  press('j', {}, slider);
  expect(run.j).toHaveBeenCalledOnce();
});

test('two keys in a row are one shortcut, if they come within a second', () => {
  vi.useFakeTimers();
  press('g');
  press('d');
  expect(run.go).toHaveBeenCalledOnce();
  press('g');
  vi.advanceTimersByTime(1_500);
  press('d');
  expect(run.go).toHaveBeenCalledOnce();
  press('g');
  press('j');
  expect(run.j).toHaveBeenCalledOnce();
});

test('the screen that came last wins, and gives the key back when it goes', () => {
  const take = shortcuts.add([one('j', run.later)]);
  press('j');
  take();
  press('j');
  expect(run.later).toHaveBeenCalledOnce();
  expect(run.j).toHaveBeenCalledOnce();
});

test('under a dialog the page has no keys', () => {
  const dialog = element('dialog');
  dialog.showModal();
  press('j');
  dialog.close();
  press('j');
  expect(run.j).toHaveBeenCalledOnce();
});

test('the space bar presses the button that has the focus', () => {
  const button = element('button');
  expect(press(' ', {}, button)).toBe(false);
  expect(press(' ')).toBe(true);
  expect(run.space).toHaveBeenCalledOnce();
});

test('of two who change their keys at once neither takes back those of the other', async () => {
  const onkey = vi.fn();
  const { component } = await render(Keys, { onkey });
  component.go('running');
  component.go('paused');
  flushSync();
  for (const key of ['p', 'c', 's']) press(key);
  expect(onkey.mock.calls.flat()).toEqual(['p paused', 'c paused', 's paused']);
});
