// A run's panels: what they say in each state of a run, and the tab's icon.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { RunCurves } from '../../../src/lib/state/run-curves';
import { lossSeries, metricSeries, runMarks } from '../../../src/lib/state/run-charts';
import { logLine } from '../../../src/lib/state/run-log';
import { TASKS } from '../../../src/lib/tasks/catalog';
import type { RunEvent } from '../../../src/lib/training/events';
import RunLog from '../../../src/lib/ui/run/RunLog.svelte';
import RunProgress from '../../../src/lib/ui/run/RunProgress.svelte';
import RunResult from '../../../src/lib/ui/run/RunResult.svelte';
import TabIcon from '../../../src/lib/ui/run/TabIcon.svelte';

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
  await rerender({ validating: null, features: null, stage: null, phase: 'stopping' });
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
  const onmore = vi.fn();
  await render(RunLog, { lines, total: 10, onmore });
  await expect.element(page.getByText('The loss became NaN.').first()).toBeVisible();
  await page.getByText('Log', { exact: true }).click();
  const log = page.getByRole('region', { name: 'Log' });
  await expect.element(log).toHaveTextContent('Started on wasm (2 threads, SIMD) with 840 training');
  await expect.element(log).toHaveTextContent('Note: No test images.');
  await expect.element(log).toHaveTextContent('training loss 1.5, validation accuracy 50.0 % (2.0 s). Best so far.');
  await expect.element(log).toHaveTextContent('Error: The loss became NaN. Lower the rate.');
  await page.getByRole('button', { name: 'Show 6 earlier lines' }).click();
  expect(onmore).toHaveBeenCalledOnce();
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
  await unmount();
  expect(link.href).toBe('about:blank');
});
