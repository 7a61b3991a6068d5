// A run's panels: what they say in each state of a run, and the tab's icon.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { RunCurves } from '../../../src/lib/state/run-curves';
import { lossSeries, metricSeries, runMarks } from '../../../src/lib/state/run-charts';
import { logLine, type LogLine } from '../../../src/lib/state/run-log';
import { TASKS } from '../../../src/lib/tasks/catalog';
import type { RunEvent } from '../../../src/lib/training/events';
import CheckpointTable from '../../../src/lib/ui/run/CheckpointTable.svelte';
import ExtendDialog from '../../../src/lib/ui/run/ExtendDialog.svelte';
import FailureDetails from '../../../src/lib/ui/run/FailureDetails.svelte';
import ProfileTable from '../../../src/lib/ui/run/ProfileTable.svelte';
import RestartDialog from '../../../src/lib/ui/run/RestartDialog.svelte';
import RunControls from '../../../src/lib/ui/run/RunControls.svelte';
import RunProgress from '../../../src/lib/ui/run/RunProgress.svelte';
import RunResult from '../../../src/lib/ui/run/RunResult.svelte';
import TabIcon from '../../../src/lib/ui/run/TabIcon.svelte';
import type { CheckpointSummary } from '../../../src/lib/storage/schema';
import Log from './support/log.svelte';

const [task] = TASKS;
const device = {
  engine: 'tfjs',
  backend: 'wasm',
  adapter: '2 threads, SIMD',
  reason: 'No graphics card.',
  precision: 'float32',
  alternatives: [],
} as const;
const started = {
  type: 'started',
  runId: 'r',
  device,
  epochs: 10,
  stepsPerEpoch: 20,
  parameters: 5,
  images: { train: 840, val: 180, test: 180 },
  fromStep: 0,
} as const;
const latest = {
  type: 'progress',
  step: 50,
  epoch: 3,
  stepInEpoch: 10,
  loss: 0.5,
  learningRate: 0.001,
  imagesPerSecond: 412,
  secondsLeft: 125,
  memoryBytes: 3e6,
} as const;
const best = { label: 'Best validation accuracy', value: '94.4 %', note: 'epoch 2' };
const nothing = { started: null, latest: null, validating: null, features: null, stage: null, device: null, best };

test('a running one tells epoch, step, rate, memory and time left', async () => {
  await render(RunProgress, { phase: 'running', ...nothing, started, latest, device });
  const status = page.getByRole('status');
  await expect.element(status).toHaveTextContent('Epoch 3 of 10 step 50 of 200');
  await expect.element(page.getByText('about 2 min left')).toBeVisible();
  await expect.element(page.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '25');
  await expect.element(page.getByText('412', { exact: true })).toBeVisible();
  await expect.element(page.getByText('3.0 MB')).toBeVisible();
});

test('before the first step, while validating and while stopping it says what it does', async () => {
  const { rerender } = await render(RunProgress, { phase: 'starting', ...nothing });
  const status = page.getByRole('status');
  await expect.element(status).toHaveTextContent('Getting ready');
  await expect.element(page.getByRole('progressbar')).not.toHaveAttribute('aria-valuenow');
  await rerender({
    phase: 'running',
    started,
    latest,
    validating: { type: 'validating', epoch: 3, done: 60, total: 180 },
  });
  await expect.element(status).toHaveTextContent('Validating epoch 3 60 of 180 images');
  await rerender({ validating: null, features: null, stage: null, phase: 'pausing' });
  await expect.element(status).toHaveTextContent('Pausing after this step');
  await rerender({ phase: 'paused' });
  await expect.element(status).toHaveTextContent('Paused step 50 of 200');
  await rerender({ phase: 'stopping' });
  await expect.element(status).toHaveTextContent('Stopping after this step');
  await rerender({ phase: 'running', latest: { ...latest, step: 200 } });
  await expect.element(status).toHaveTextContent('Judging the best weights');
});

test('the result stands beside its interval and its baseline', async () => {
  await render(RunResult, {
    title: 'Test accuracy',
    value: '69.3 %',
    share: 0.693,
    interval: { text: '63.5 to 74.5 %', range: { low: 0.635, high: 0.745 } },
    baseline: { value: '16.7 %', share: 0.167, text: 'Always guessing "circle":' },
    images: 270,
    split: 'test',
    caveat: 'which training never saw',
    checkpoint: 'best',
    epoch: 28,
  });
  await expect.element(page.getByText('95 % interval 63.5 to 74.5 %')).toBeVisible();
  await expect.element(page.getByText('Always guessing "circle": 16.7 %')).toBeVisible();
  await expect.element(page.getByText(/epoch 28, on 270 test images, which training never saw/)).toBeVisible();
});

test('the log reads events as sentences, an error with its remedy', async () => {
  const events: RunEvent[] = [
    started,
    { type: 'notice', message: 'No test images.' },
    {
      type: 'epoch',
      epoch: 1,
      step: 20,
      metrics: { train_loss: 1.5, val_accuracy: 0.5 },
      learningRate: 1,
      seconds: 2,
      best: true,
    },
    { type: 'failed', error: { code: 'loss-not-finite', message: 'The loss became NaN.', hint: 'Lower the rate.' } },
  ];
  const curves = new RunCurves();
  for (const event of events) curves.take(event, Date.UTC(2025, 0, 1));
  const lines = curves.log.map((entry) => logLine(task, entry));
  const onsave = vi.fn();
  await render(Log, { lines, onsave });
  await expect.element(page.getByText('The loss became NaN.').first()).toBeVisible();
  await page.getByText('Log', { exact: true }).click();
  const log = page.getByRole('region', { name: 'Log' });
  await expect.element(log).toHaveTextContent('Started on wasm (2 threads, SIMD) with 840 training');
  await expect.element(log).toHaveTextContent('Note: No test images.');
  await expect.element(log).toHaveTextContent('training loss 1.5, validation accuracy 50.0 % (2.0 s). Best so far.');
  await expect.element(log).toHaveTextContent('Error: The loss became NaN. Lower the rate.');
  await page.getByRole('button', { name: 'Download the log as JSON lines' }).click();
  expect(onsave).toHaveBeenCalledOnce();
});

test('curves are named by the task, ratios in per cent, the best epoch marked', () => {
  const curves = new RunCurves();
  curves.take(started);
  curves.take(latest);
  expect(lossSeries(curves).map(({ id, faint }) => [id, faint])).toEqual([['steps', undefined]]);
  const metrics = { train_loss: 1, val_loss: 2, val_accuracy: 0.5 };
  curves.take({ type: 'epoch', epoch: 1, step: 20, metrics, learningRate: 1, seconds: 1, best: true });
  curves.take({ ...started, fromStep: 20 });
  expect(lossSeries(curves).map(({ id }) => id)).toEqual(['moments', 'train', 'val']);
  expect(metricSeries(curves, task, 'val_accuracy')).toMatchObject([{ label: 'Validation accuracy', x: [1], y: [50] }]);
  expect(runMarks(curves)).toEqual([
    { x: 1, label: 'resumed' },
    { x: 1, label: 'best 1', strong: true },
  ]);
});

test('a run that trains can be paused, saved and stopped; a paused one continues', async () => {
  const onask = vi.fn();
  const { rerender } = await render(RunControls, { phase: 'running', onask });
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Save checkpoint' }).click();
  await page.getByRole('button', { name: 'Stop training' }).click();
  expect(onask.mock.calls.flat()).toEqual(['pause', 'save', 'stop']);
  await rerender({ phase: 'pausing' });
  await expect.element(page.getByRole('button', { name: 'Pause' })).toBeDisabled();
  await rerender({ phase: 'paused' });
  await page.getByRole('button', { name: 'Continue' }).click();
  expect(onask).toHaveBeenLastCalledWith('continue');
  await rerender({ phase: 'starting' });
  await expect.element(page.getByRole('button', { name: 'Stop training' })).toBeDisabled();
});

test('checkpoints say why, where, how good, how large, and offer what can be done with them', async () => {
  const base = { runId: 'r', createdAt: Date.now(), stateId: 's', bytes: 2e6, metrics: {} };
  const checkpoints: CheckpointSummary[] = [
    { ...base, id: 'a', slot: 'best', kind: 'best', epoch: 3, position: { epoch: 3, stepInEpoch: 0 }, metrics: { val_accuracy: 0.9 } },
    { ...base, id: 'b', slot: 'saved-70', kind: 'saved', epoch: 4, position: { epoch: 3, stepInEpoch: 10 } },
  ]; // prettier-ignore
  const onselect = vi.fn();
  const value = ({ metrics }: CheckpointSummary) => metrics.val_accuracy ?? null;
  const text = (checkpoint: CheckpointSummary) => String(value(checkpoint) ?? '–');
  await render(CheckpointTable, {
    checkpoints,
    metric: { title: 'Accuracy', text, value },
    items: ({ slot }: CheckpointSummary) => [{ label: 'Restart from here', onselect: () => onselect(slot) }],
  });
  const rows = [...document.querySelectorAll('tbody tr')].map((row) =>
    [...(row instanceof HTMLTableRowElement ? row.cells : [])].map((cell) =>
      cell.innerText.replace(/\s+/g, ' ').trim(),
    ),
  );
  expect(rows).toEqual([
    ['best', 'best so far', '3', '0.9', '2.0 MB', 'just now', ''],
    ['saved-70', 'on request', '4, step 10', '–', '2.0 MB', 'just now', ''],
  ]);
  await page.getByRole('button', { name: 'Actions for saved-70' }).click();
  await page.getByRole('menuitem', { name: 'Restart from here' }).click();
  expect(onselect).toHaveBeenCalledExactlyOnceWith('saved-70');
});

test('more epochs are a whole number, and a refusal stays in the dialog', async () => {
  const onextend = vi.fn().mockRejectedValueOnce(new Error('The device is busy.')).mockResolvedValue('r');
  const onclose = vi.fn();
  await render(ExtendDialog, { name: 'net 1', done: 10, secondsAnEpoch: 30, onextend, onclose });
  const field = page.getByRole('spinbutton', { name: 'More epochs' });
  const button = page.getByRole('button', { name: 'Train on' });
  await field.fill('2.5');
  await expect.element(button).toBeDisabled();
  await field.fill('4');
  await expect.element(page.getByText('14 epochs in all, about 2 min.')).toBeVisible();
  await button.click();
  await expect.element(page.getByText('The device is busy.')).toBeVisible();
  expect(onclose).not.toHaveBeenCalled();
  await button.click();
  await expect.poll(() => onclose.mock.calls.length).toBe(1);
  expect(onextend).toHaveBeenLastCalledWith(4);
});

test('a restart takes the whole state unless the weights alone are chosen', async () => {
  const onstart = vi.fn().mockResolvedValue('r');
  await render(RestartDialog, {
    checkpoint: 'saved-70',
    epoch: 4,
    name: 'net 1, part 2',
    changeHref: (keep: string) => `#/train?keep=${keep}`,
    onstart,
    onclose: () => undefined,
  });
  const change = page.getByRole('link', { name: 'Change settings first' });
  await expect.element(change).toHaveAttribute('href', '#/train?keep=state');
  await page.getByRole('radio', { name: /Start anew/ }).click();
  await expect.element(change).toHaveAttribute('href', '#/train?keep=weights');
  await page.getByRole('textbox', { name: 'Name of the new run' }).fill('from 70');
  await page.getByRole('button', { name: 'Start the run' }).click();
  expect(onstart).toHaveBeenCalledExactlyOnceWith('from 70', 'weights');
});

test('a loss that ran away names the step, the rate and the largest gradients, those that are no number first', async () => {
  const detail = {
    step: 41,
    learningRate: 0.5,
    loss: NaN,
    gradients: [
      { name: 'fc.weight', norm: Infinity },
      { name: 'conv1.weight', norm: 12.5 },
    ],
    gradientsAt: 40,
  };
  await render(FailureDetails, { detail, epoch: 3 });
  await expect.element(page.getByText('Largest gradients of step 40')).toBeVisible();
  const bars = [...document.querySelectorAll('ul[aria-label^=Largest] li')].map((line) =>
    line.textContent.trim().split(/\s+/),
  );
  expect(bars).toEqual([['fc.weight', 'Infinity'], ['conv1.weight', '12.5']]); // prettier-ignore
  await expect.element(page.getByText('epoch 3')).toBeVisible();
  await expect.element(page.getByText('NaN')).toBeVisible();
});

test('a profile lists kernels, the longest first, with their share', async () => {
  await render(ProfileTable, {
    profile: {
      total: 20,
      source: 'timestamps',
      kernels: [
        { name: 'Conv2D', calls: 3, milliseconds: 4, bytes: 1000 },
        { name: 'MatMul', calls: 1, milliseconds: 12, bytes: 2000 },
      ],
    },
  });
  const names = [...document.querySelectorAll('tbody tr')].map((row) => row.querySelector('td')?.innerText);
  expect(names).toEqual(['MatMul', 'Conv2D']);
  await expect.element(page.getByText('75.0 %')).toBeVisible();
  await expect.element(page.getByText(/by the timestamps of the GPU/)).toBeVisible();
});

test('the log is searched and filtered by level', async () => {
  const lines: LogLine[] = [
    { time: 0, level: 'info', text: 'Epoch 1: loss 2.' },
    { time: 0, level: 'warning', text: 'The device was lost for 3 s.' },
    { time: 0, level: 'error', text: 'The loss became NaN.', hint: 'Lower the learning rate.' },
  ];
  await render(Log, { lines });
  await page.getByText('Log', { exact: true }).click();
  const log = page.getByRole('region', { name: 'Log' });
  const told = () => [...document.querySelectorAll('[role=region] li')].map((line) => line.textContent.trim());
  await page.getByRole('searchbox', { name: 'Search the log' }).fill('LOSS rate');
  await expect.poll(told).toHaveLength(1);
  await expect.element(log).toHaveTextContent('Error: The loss became NaN.');
  await expect.element(page.getByText('1 of 3 lines')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search the log' }).fill('');
  await page.getByRole('combobox', { name: 'Level' }).selectOptions('warning');
  await expect.poll(told).toHaveLength(2);
  await page.getByRole('searchbox', { name: 'Search the log' }).fill('epoch');
  await expect.element(page.getByText('No line fits the search.')).toBeVisible();
});

test('of ten thousand lines only those near what is seen are drawn, and a log that is read up does not jump to its end', async () => {
  const many = (count: number): LogLine[] =>
    Array.from({ length: count }, (_, index) => ({ time: 0, level: 'info', text: `Line ${index}.` }));
  const { component } = await render(Log, { lines: many(10_000) });
  await page.getByText('Log', { exact: true }).click();
  const region = document.querySelector<HTMLElement>('[role=region]');
  if (region === null) throw new Error('No log.');
  const drawn = () => region.querySelectorAll('li').length;
  await expect.poll(() => region.scrollTop).toBeGreaterThan(100_000);
  await expect.element(page.getByText('Line 9999.').last()).toBeVisible();
  expect(drawn()).toBeLessThan(1_000);
  region.scrollTop = 0;
  await expect.poll(() => region.querySelector('li')?.textContent.trim()).toBe('Line 0.');
  expect(drawn()).toBeLessThan(1_000);
  await expect.element(page.getByRole('switch', { name: 'Follow' })).not.toBeChecked();
  component.show(many(10_001));
  await expect.element(page.getByText('10,001 lines')).toBeVisible();
  expect(region.scrollTop).toBe(0);
  await page.getByRole('switch', { name: 'Follow' }).click();
  await expect.poll(() => region.scrollTop).toBeGreaterThan(100_000);
});

test('the tab icon shows the progress and is given back', async () => {
  const found = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const link = found ?? document.head.appendChild(Object.assign(document.createElement('link'), { rel: 'icon' }));
  link.href = 'about:blank';
  const { rerender, unmount } = await render(TabIcon, { progress: null });
  expect(link.href).toBe('about:blank');
  await rerender({ progress: 0.5 });
  await expect.poll(() => link.href).toMatch(/^data:image\/svg\+xml/);
  const half = link.href;
  await rerender({ progress: 0.9 });
  await expect.poll(() => link.href).not.toBe(half);
  const running = link.href;
  await rerender({ progress: 0.9, paused: true });
  await expect.poll(() => link.href).not.toBe(running);
  await unmount();
  expect(link.href).toBe('about:blank');
});
