// The job as text: valid text is taken over at once, anything else stays with what is wrong about it.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import type { Problem } from '../../../src/lib/core/schema';
import JobText from '../../../src/lib/ui/train/JobText.svelte';

const area = () => page.getByRole('textbox', { name: 'Job as JSON' });

async function show(problems: readonly Problem[] = []) {
  const onapply = vi.fn((_document: unknown) => problems);
  await render(JobText, { text: '{"version": 1}', onapply, onfile: vi.fn() });
  return onapply;
}

test('a valid document is given up as data', async () => {
  const onapply = await show();
  await area().fill('{"version": 1, "seed": 3}');
  expect(onapply).toHaveBeenLastCalledWith({ version: 1, seed: 3 });
  await expect.element(page.getByRole('alert')).not.toBeInTheDocument();
});

test('text that is no JSON is kept with the reason and can be discarded', async () => {
  const onapply = await show();
  await area().fill('{"version": 1,');
  expect(onapply).not.toHaveBeenCalled();
  await expect.element(page.getByRole('alert')).toHaveTextContent('not valid JSON');
  await expect.element(area()).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Discard the text' }).click();
  await expect.element(area()).toHaveValue('{"version": 1}');
});

test('every problem is listed by its path', async () => {
  await show([
    { path: 'training.epochs', message: 'Epochs must be at least 1; found 0.' },
    { path: 'optimiser', message: 'There is no field "optimiser".' },
  ]);
  await area().fill('{}');
  const alert = page.getByRole('alert');
  await expect.element(alert).toHaveTextContent('training.epochs: Epochs must be at least 1; found 0.');
  await expect.element(alert).toHaveTextContent('There is no field "optimiser".');
});
