// What the Train page shows of a planned job, and the tests of a job on the device: dialogs, bars, pictures, and their state.
import { page } from 'vitest/browser';
import { describe, expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import { TrainyardError } from '../../../src/lib/core/errors';
import type { BatchSizeTrial, RangeTest, TrainApi, TrainRequest } from '../../../src/lib/rpc/protocol';
import { BatchSizeTest, LearningRateTest } from '../../../src/lib/state/device-tests.svelte';
import BatchSizeDialog from '../../../src/lib/ui/train/BatchSizeDialog.svelte';
import MemoryBar from '../../../src/lib/ui/train/MemoryBar.svelte';
import PresetCards from '../../../src/lib/ui/train/PresetCards.svelte';
import PreviewTiles from '../../../src/lib/ui/train/PreviewTiles.svelte';
import RangeTestDialog from '../../../src/lib/ui/train/RangeTestDialog.svelte';

describe('the memory bar', () => {
  const memory = { needed: 3e9, granted: 2e9, parts: 2, batchSize: 64, asked: 1 } as const;
  const bar = () => page.getByRole('group', { name: 'Memory to train' });

  test('says in how many parts a batch fits that does not fit whole', async () => {
    await render(MemoryBar, memory);
    await expect.element(bar()).toHaveTextContent('about 3.0 GB of 2.0 GB');
    await expect.element(bar()).toHaveTextContent('Fits in 2 parts of 32 images');
  });

  test('says that the whole batch fits, or that nothing does', async () => {
    const { rerender } = await render(MemoryBar, { ...memory, needed: 1e9, parts: 1 });
    await expect.element(bar()).toHaveTextContent('The whole batch fits.');
    await rerender({ ...memory, parts: null });
    await expect.element(bar()).toHaveTextContent('Not even one image fits.');
  });

  test('promises nothing where the device is silent or was not asked', async () => {
    const { rerender } = await render(MemoryBar, { ...memory, granted: null, parts: 1 });
    await expect.element(bar()).toHaveTextContent('The device does not say how much it grants.');
    await rerender({ ...memory, granted: null, parts: undefined });
    await expect.element(bar()).toHaveTextContent(/^Memory to train about 3.0 GB$/);
  });
});

test('previews are drawn pixel by pixel, with what is taught beside them', async () => {
  const pixels = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7]);
  await render(PreviewTiles, { tiles: [{ pixels, side: 2, label: '70 % rose, 30 % daisy' }] });
  await expect.element(page.getByText('70 % rose, 30 % daisy')).toBeVisible();
  const canvas = document.querySelector('canvas');
  const data = canvas?.getContext('2d')?.getImageData(0, 0, 2, 2).data;
  expect([...(data ?? [])]).toEqual([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 9, 8, 7, 255]);
});

test('a preset that the data asks for says why', async () => {
  const preset = { title: 'Small', help: 'For few images.', facts: [] };
  const presets = [
    { ...preset, id: 'a', title: 'Plain' },
    { ...preset, id: 'b', why: 'There are 91 images to learn from.' },
  ];
  const onselect = vi.fn();
  await render(PresetCards, { presets, selected: 'a', changed: 0, onselect });
  await expect.element(page.getByText('suggested', { exact: true })).toBeVisible();
  expect(page.getByText('suggested', { exact: true }).elements()).toHaveLength(1);
  await page.getByText('There are 91 images to learn from.').click();
  expect(onselect).toHaveBeenCalledWith('b');
});

describe('the dialog of the learning rate', () => {
  const props = {
    status: 'done' as const,
    progress: null,
    points: [1e-5, 1e-4, 1e-3, 1e-2].map((rate, index) => ({ rate, loss: 2 - index * 0.2, smooth: 2 - index * 0.1 })),
    suggestion: 0.00123,
    diverged: 0.5,
    error: null,
    current: 0.01,
    onstart: vi.fn(),
    oncancel: vi.fn(),
    onapply: vi.fn(),
    onclose: vi.fn(),
  };

  test('shows the curve over rates, and gives the suggestion to the job', async () => {
    const onapply = vi.fn();
    await render(RangeTestDialog, { ...props, onapply });
    await expect.element(page.getByText(/The loss falls most steeply at/)).toHaveTextContent('0.0012');
    await expect
      .element(page.getByText(/The loss falls most steeply at/))
      .toHaveTextContent('From 0.5 on it explodes.');
    await expect.element(page.getByRole('img', { name: 'Loss over learning rate' })).toBeVisible();
    await page.getByRole('button', { name: 'Show Loss as a table' }).click();
    await expect.element(page.getByRole('cell', { name: '0.0001', exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Use 0.0012' }).click();
    expect(onapply).toHaveBeenCalledWith(0.0012);
    expect(page.getByRole('dialog').query()).toBeNull();
  });

  test('shows how far it is and can be ended', async () => {
    const oncancel = vi.fn();
    await render(RangeTestDialog, { ...props, status: 'running', progress: { done: 30, total: 100 }, oncancel });
    await expect.element(page.getByText('Step 30 of 100')).toBeVisible();
    await expect.element(page.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '30');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(oncancel).toHaveBeenCalledTimes(1);
  });

  test('suggests nothing where the loss never fell', async () => {
    await render(RangeTestDialog, { ...props, suggestion: null });
    await expect.element(page.getByText(/The loss never fell/)).toBeVisible();
    expect(page.getByRole('button', { name: /^Use/ }).query()).toBeNull();
  });
});

test('the dialog of the batch size tells speed, memory and what did not fit', async () => {
  const onapply = vi.fn();
  const trials = [
    { batchSize: 32, imagesPerSecond: 400, memoryBytes: 1e9, reason: null },
    { batchSize: 64, imagesPerSecond: 410, memoryBytes: 2e9, reason: null },
    { batchSize: 128, imagesPerSecond: null, memoryBytes: null, reason: 'It needs about 4.0 GB.' },
  ];
  const off = { reason: 'Larger ones gain little.', onstart: vi.fn(), oncancel: vi.fn(), onclose: vi.fn() };
  await render(BatchSizeDialog, { status: 'done', trials, suggestion: 32, error: null, current: 64, onapply, ...off });
  await expect.element(page.getByRole('row', { name: /^32 suggested/ })).toHaveTextContent('400 images/s');
  await expect.element(page.getByRole('row', { name: /^64 now/ })).toHaveTextContent('2.0 GB');
  await expect.element(page.getByText('It needs about 4.0 GB.')).toBeVisible();
  await expect.element(page.getByText(/Larger ones gain little/)).toHaveTextContent('32 images.');
  await page.getByRole('button', { name: 'Use 32' }).click();
  expect(onapply).toHaveBeenCalledWith(32);
});

describe('a test on the device', () => {
  // Only what the tests hand on; the worker is not here.
  const request = { projectId: 'p', versionId: 'v', name: 'n' } as TrainRequest;
  const result: RangeTest = { points: [{ rate: 1, loss: 2, smooth: 2 }], suggestion: 0.1, diverged: null };

  /** Only the methods that a test calls. */
  function api(methods: Partial<TrainApi>): TrainApi {
    return methods as TrainApi; // A missing method throws when it is called, which is what a test wants.
  }

  test('collects its points and ends with the result', async () => {
    const rangeTest: TrainApi['rangeTest'] = (_, tell) => {
      tell({ type: 'step', rate: 0.1, loss: 1, done: 1, total: 2 });
      tell({ type: 'step', rate: 0.2, loss: 2, done: 2, total: 2 });
      return Promise.resolve(result);
    };
    const rates = new LearningRateTest(api({ rangeTest }));
    await rates.run(request);
    expect([rates.status, rates.points.length, rates.progress?.done]).toEqual(['done', 2, 2]);
    expect(rates.result).toEqual(result);
  });

  test('that is ended has no result, whether the worker answers or refuses', async () => {
    for (const answer of ['refuses', 'answers'] as const) {
      let end: () => void = () => undefined;
      const rangeTest: TrainApi['rangeTest'] = () =>
        new Promise((resolve, reject) => {
          end = () => (answer === 'answers' ? resolve(result) : reject(new TrainyardError('cancelled', 'Ended.')));
        });
      const cancel = vi.fn(() => Promise.resolve(end()));
      const rates = new LearningRateTest(api({ rangeTest, cancel }));
      const ended = rates.run(request);
      expect(rates.status).toBe('running');
      await rates.cancel();
      await ended;
      expect(cancel).toHaveBeenCalledTimes(1);
      expect([rates.status, rates.result, rates.error]).toEqual(['cancelled', null, null]);
    }
  });

  test('that fails says why, and can be run again', async () => {
    const trial: BatchSizeTrial = { batchSize: 8, imagesPerSecond: 1, memoryBytes: 1, reason: null };
    const batchSizes = vi
      .fn<TrainApi['batchSizes']>()
      .mockRejectedValueOnce(new TrainyardError('device-lost', 'The device went away.'))
      .mockImplementationOnce((_, tell) => {
        tell(trial);
        const device = { engine: 'tfjs', backend: 'cpu', adapter: null, why: '' };
        // The device is nothing that is read here.
        const found = { trials: [trial], suggestion: 8, reason: 'It is the fastest.', device } as unknown;
        return Promise.resolve(found as Awaited<ReturnType<TrainApi['batchSizes']>>);
      });
    const sizes = new BatchSizeTest(api({ batchSizes }));
    await sizes.run(request);
    expect(sizes.status).toBe('failed');
    expect(sizes.error).toMatchObject({ code: 'device-lost' });
    await sizes.run(request);
    expect([sizes.status, sizes.result?.suggestion, sizes.trials, sizes.error]).toEqual(['done', 8, [trial], null]);
  });
});
