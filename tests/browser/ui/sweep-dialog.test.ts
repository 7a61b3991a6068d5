// The dialogs that start many runs: they say how many and how long before anything begins, and begin exactly that.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { defaultJob } from '../../../src/lib/job/parse';
import { jobFields } from '../../../src/lib/job/schema';
import { MODELS } from '../../../src/lib/models/registry';
import { countTrials, epochsOf } from '../../../src/lib/queue/plan';
import type { SweepSpecification } from '../../../src/lib/storage/records';
import { TASKS } from '../../../src/lib/tasks/catalog';
import CrossValidateDialog from '../../../src/lib/ui/queue/CrossValidateDialog.svelte';
import SweepDialog from '../../../src/lib/ui/queue/SweepDialog.svelte';

const CATALOG = { models: MODELS, tasks: TASKS };
const job = defaultJob(CATALOG, 'classification', 'tiny-cnn');
const model = MODELS.find(({ meta }) => meta.id === 'tiny-cnn') ?? MODELS[0];
const fields = jobFields(CATALOG, TASKS[0], model);
const rate = job.optimizer.learning_rate;

async function show() {
  const onstart = vi.fn<(sweep: SweepSpecification) => Promise<void>>(() => Promise.resolve());
  const onclose = vi.fn();
  const plan = (sweep: SweepSpecification) => ({ runs: countTrials(sweep), epochs: epochsOf(sweep, job) });
  const { epochs } = job.training;
  await render(SweepDialog, { fields, job, epochs, plan, secondsPerEpoch: 6, onstart, onclose });
  return { onstart, onclose };
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const values = (name: string) => page.getByRole('textbox', { name });

test('a grid counts its runs as it is typed, and starts with what was typed', async () => {
  const { onstart, onclose } = await show();
  await expect.element(button('Queue 3 runs')).toBeVisible();
  await values('Values of Optimiser: learning rate').fill('0.1, 0.2');
  await expect.element(button('Queue 2 runs')).toBeVisible();
  await expect.element(page.getByRole('status')).toHaveTextContent(`${2 * job.training.epochs} epochs in all, about`);
  await button('Queue 2 runs').click();
  expect(onstart).toHaveBeenCalledExactlyOnceWith({
    method: 'grid',
    values: { 'optimizer.learning_rate': [0.1, 0.2] },
  });
  await expect.poll(() => onclose.mock.calls.length).toBe(1);
});

test('what is wrong is said where it is, and nothing can start', async () => {
  await show();
  await values('Values of Optimiser: learning rate').fill('0.1, fast');
  await expect.element(page.getByText(/fast/).first()).toBeVisible();
  await expect.element(button('Start sweep')).toBeDisabled();
});

test('a second setting multiplies a grid; a choice is made of its options', async () => {
  await show();
  await button('Add a setting').click();
  await page.getByRole('combobox', { name: 'Setting 2' }).selectOptions('Optimiser: optimiser');
  await button('RMSprop').click();
  await button(/^Adam$/).click();
  // Four rules less two, times three rates.
  await expect.element(button('Queue 6 runs')).toBeVisible();
});

test('at random, numbers have ranges; halving counts all its rungs', async () => {
  const { onstart } = await show();
  await page.getByRole('tab', { name: 'Random' }).click();
  await expect.element(values('Optimiser: learning rate, from')).toHaveValue(String(rate / 10));
  await expect.element(button('Queue 9 runs')).toBeVisible();
  await page.getByRole('tab', { name: 'Successive halving' }).click();
  await button('Queue 9 runs').click();
  expect(onstart.mock.calls[0][0]).toMatchObject({
    method: 'halving',
    trials: 9,
    space: { 'optimizer.learning_rate': { kind: 'log_uniform', minimum: rate / 10 } },
  });
});

test('cross-validation says what each run learns from, and refuses a number of folds that is none', async () => {
  const onstart = vi.fn<(folds: number) => Promise<void>>(() => Promise.resolve());
  const images = { train: 80, val: 20, test: 7 };
  await render(CrossValidateDialog, { images, epochs: 10, secondsPerEpoch: null, onstart, onclose: vi.fn() });
  await expect.element(page.getByText(/each trained on about 80 of the 100/)).toBeVisible();
  await expect.element(page.getByText(/7 test images stay aside/)).toBeVisible();
  const folds = page.getByRole('spinbutton', { name: 'Folds' });
  await folds.fill('1');
  await expect.element(button('Queue runs')).toBeDisabled();
  await folds.fill('4');
  await button('Queue 4 runs').click();
  expect(onstart).toHaveBeenCalledExactlyOnceWith(4);
});
