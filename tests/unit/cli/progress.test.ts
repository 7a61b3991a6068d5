import { describe, expect, it } from 'vitest';
import { createProgress } from '../../../scripts/cli/progress.mjs';

/** A stream that keeps what is written; only the parts that progress uses. */
function capture(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 40, write: (text: string) => written.push(text) > 0 };
  // The rest of a WriteStream is never touched.
  return { progress: createProgress(stream as unknown as NodeJS.WriteStream), written };
}

const STEP = { from: 'train', type: 'progress', epoch: 1, step: 3, loss: 1.5, imagesPerSecond: 812.4, secondsLeft: 75 };
const EPOCH = {
  from: 'train',
  type: 'epoch',
  epoch: 1,
  metrics: { val_accuracy: 0.5 },
  seconds: 4,
  best: true,
};

describe('progress', () => {
  it('keeps one live line on a terminal, cut to its width, and clears it before a lasting one', () => {
    const { progress, written } = capture(true);
    progress.show(STEP);
    progress.show(EPOCH);
    expect(written).toEqual([
      '\r\x1b[2Kepoch 1, step 3: loss 1.5000, 812 image',
      '\r\x1b[2K',
      'epoch 1: val_accuracy 0.5000 (4 s) *\n',
    ]);
  });

  it('writes whole lines elsewhere, live ones at most every ten seconds', () => {
    const { progress, written } = capture(false);
    progress.show(STEP);
    progress.show(STEP);
    progress.show(EPOCH);
    progress.end();
    expect(written).toEqual([
      'epoch 1, step 3: loss 1.5000, 812 images/s, 1 min 15 s left\n',
      'epoch 1: val_accuracy 0.5000 (4 s) *\n',
    ]);
  });

  it.each([
    [{ kind: 'unreadable', path: 'a/1.jpg', reason: 'it is empty' }, 'unreadable: a/1.jpg: it is empty'],
    [{ kind: 'skipped', path: 'b.txt', reason: 'it is not an image' }, 'skipped: b.txt: it is not an image'],
    [
      { kind: 'duplicate', paths: ['a/1', 'b/2'], sameLabel: false, acrossSplits: true },
      'same image: a/1, b/2 in more than one split with different labels',
    ],
    [{ kind: 'duplicate', paths: ['a/1', 'a/2'], sameLabel: true, acrossSplits: false }, 'same image: a/1, a/2'],
    [{ kind: 'small-class', class: 'rare', count: 1 }, 'class "rare" has only 1 image'],
  ])('says what is odd about the data: %j', (problem, line) => {
    const { progress, written } = capture(false);
    progress.show({ from: 'import', type: 'problem', problem });
    expect(written).toEqual([`${line}\n`]);
  });

  it('says whether an export was verified', () => {
    const { progress, written } = capture(false);
    const base = { format: 'onnx', reason: 'no', relativeDifference: 3.2e-7 };
    progress.show({ from: 'export', type: 'format', report: { ...base, status: 'verified' } });
    progress.show({ from: 'export', type: 'format', report: { ...base, status: 'failed' } });
    expect(written).toEqual(['onnx: verified, largest difference 3.2e-7 of the largest logit\n', 'onnx: FAILED, no\n']);
  });

  it('passes over events it does not know', () => {
    const { progress, written } = capture(false);
    progress.show({ from: 'train', type: 'validating', done: 1, total: 2 });
    expect(written).toEqual([]);
  });
});
