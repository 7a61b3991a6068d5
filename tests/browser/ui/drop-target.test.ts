// Files by drop, by chooser and by paste, anywhere on the page.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { filesOfInput } from '../../../src/lib/ui/drop';
import Drops from './support/drops.svelte';

const file = (name: string) => new File(['x'], name, { type: 'image/png' });

function transfer(...files: File[]): DataTransfer {
  const data = new DataTransfer();
  for (const one of files) data.items.add(one);
  return data;
}

function drag(type: string, target: Element, dataTransfer: DataTransfer): DragEvent {
  const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
  return event;
}

test('files that are dropped anywhere on the page arrive with their names', async () => {
  const onfiles = vi.fn();
  await render(Drops, { onfiles });
  const somewhere = page.getByText('Elsewhere on the page').element();
  const data = transfer(file('a.png'), file('b.png'));
  expect(drag('dragover', somewhere, data).defaultPrevented).toBe(true);
  drag('drop', somewhere, data);
  await vi.waitFor(() => expect(onfiles).toHaveBeenCalledOnce());
  const [{ name, files }] = onfiles.mock.calls[0];
  expect(name).toBe('');
  expect(files.map(({ path }: { path: string }) => path)).toEqual(['a.png', 'b.png']);
});

test('while files hover the page says what dropping them does, and stops when they leave', async () => {
  await render(Drops, { onfiles: vi.fn() });
  const data = transfer(file('a.png'));
  drag('dragenter', document.body, data);
  await expect.element(page.getByText('Drop to import')).toBeVisible();
  drag('dragleave', document.body, data);
  await expect.poll(() => page.getByText('Drop to import').query()).toBeNull();
});

test('dragged text is none of our business', async () => {
  await render(Drops, { onfiles: vi.fn() });
  const data = new DataTransfer();
  data.setData('text/plain', 'hello');
  expect(drag('dragover', document.body, data).defaultPrevented).toBe(false);
});

test('a pasted picture arrives; a pasted text does not', async () => {
  const onfiles = vi.fn();
  await render(Drops, { onfiles });
  const paste = (clipboardData: DataTransfer) =>
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  const text = new DataTransfer();
  text.setData('text/plain', 'hello');
  paste(text);
  expect(onfiles).not.toHaveBeenCalled();
  paste(transfer(file('image.png')));
  expect(onfiles).toHaveBeenCalledOnce();
});

test('the chooser gives files, and the same choice again counts again', async () => {
  const onfiles = vi.fn();
  await render(Drops, { onfiles });
  const [folder, files] = [...document.querySelectorAll<HTMLInputElement>('input[type=file]')];
  expect(folder.webkitdirectory).toBe(true);
  expect(files.webkitdirectory).toBe(false);
  for (let time = 0; time < 2; time++) {
    files.files = transfer(file('a.png')).files;
    files.dispatchEvent(new Event('change', { bubbles: true }));
  }
  expect(onfiles).toHaveBeenCalledTimes(2);
  expect(onfiles.mock.calls[0][0].name).toBe('a.png');
});

test('paths of a chosen folder begin inside it, and its name is kept', () => {
  const inside = (path: string) => {
    const one = file(path.split('/').at(-1) ?? '');
    Object.defineProperty(one, 'webkitRelativePath', { value: path });
    return one;
  };
  const dropped = filesOfInput([inside('flowers/rose/1.png'), inside('flowers/tulip/1.png')]);
  expect(dropped.name).toBe('flowers');
  expect(dropped.files.map(({ path }) => path)).toEqual(['rose/1.png', 'tulip/1.png']);
});
