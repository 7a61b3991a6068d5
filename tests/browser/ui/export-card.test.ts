// A format's card: nothing is offered that was not verified.
import { page } from 'vitest/browser';
import { expect, test, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import type { FormatReport } from '../../../src/lib/interchange/contract';
import FormatCard from '../../../src/lib/ui/export/FormatCard.svelte';

const verified: FormatReport = {
  format: 'onnx',
  files: [{ path: 'model.onnx', bytes: 563_179 }],
  status: 'verified',
  reason: '',
  maxDifference: 2.9e-6,
  relativeDifference: 3.1e-7,
  tolerance: 1e-4,
  images: 32,
};

async function show(report: FormatReport | null, doing: 'waiting' | 'checking' | null = null) {
  const [onmake, ondownload] = [vi.fn(), vi.fn()];
  const about = { title: 'ONNX', about: 'One file.', runs: ['onnxruntime'] };
  await render(FormatCard, { ...about, report, doing, busy: doing !== null, onmake, ondownload });
  return { onmake, ondownload };
}

const download = () => page.getByRole('button', { name: 'Download' });

test('before it is made it can be made, not downloaded', async () => {
  const { onmake } = await show(null);
  await expect.element(page.getByText('Not made yet')).toBeVisible();
  await expect.element(download()).not.toBeInTheDocument();
  await page.getByRole('button', { name: 'Make and verify' }).click();
  expect(onmake).toHaveBeenCalledOnce();
});

test('a verified one shows size, difference and allowance, and downloads', async () => {
  const { ondownload } = await show(verified);
  await expect.element(page.getByText('563 kB')).toBeVisible();
  await expect.element(page.getByText('2.9e-6')).toBeVisible();
  await expect.element(page.getByText('32 held-out images')).toBeVisible();
  // 3.1e-7 of the largest score, in per cent, beside the allowance of 1e-4.
  const card = page.getByRole('region', { name: 'ONNX' });
  await expect.element(card).toHaveTextContent('to 0.000031 % of the largest score; 0.01 % would be allowed');
  await download().click();
  expect(ondownload).toHaveBeenCalledOnce();
});

test('a failed one says why and is not offered', async () => {
  await show({ ...verified, status: 'failed', reason: 'logits differ by 2e-3 of the largest.' });
  await expect.element(page.getByText('Failed, not offered')).toBeVisible();
  await expect.element(page.getByText('logits differ by 2e-3 of the largest.')).toBeVisible();
  await expect.element(download()).not.toBeInTheDocument();
});

test('while it is its turn nothing can be pressed', async () => {
  const { onmake } = await show(null, 'checking');
  await expect.element(page.getByText('Loading it again and comparing')).toBeVisible();
  await expect.element(page.getByRole('button', { name: 'Make and verify' })).toBeDisabled();
  expect(onmake).not.toHaveBeenCalled();
});
