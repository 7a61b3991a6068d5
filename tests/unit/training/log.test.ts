import { describe, expect, it } from 'vitest';
import type { RunEvent } from '$lib/training/events';
import { RunLog } from '$lib/training/log';

function progress(step: number, loss: number): RunEvent {
  return {
    type: 'progress',
    step,
    epoch: 1,
    stepInEpoch: step,
    loss,
    learningRate: 0.1,
    imagesPerSecond: 10,
    secondsLeft: 5,
    memoryBytes: 0,
  };
}

const notice: RunEvent = { type: 'notice', message: 'x' };

function open() {
  let time = 0;
  const heard: RunEvent[] = [];
  const written: RunEvent[][] = [];
  const log = new RunLog({
    listener: (event) => heard.push(event),
    append: (events) => Promise.resolve(written.push([...events])),
    now: () => time,
  });
  return { log, heard, written, wait: (milliseconds: number) => (time += milliseconds) };
}

describe('the log of a run', () => {
  it('tells every event at once and writes progress at most once a second, as the mean over its steps', async () => {
    const { log, heard, written, wait } = open();
    await log.add(progress(1, 4));
    wait(500);
    await log.add(progress(4, 2));
    expect(written).toEqual([]);
    wait(500);
    await log.add(progress(5, 0));
    expect(heard).toHaveLength(3);
    // One step of 4, three of 2 on average, one of 0.
    expect(written).toEqual([[progress(5, 2)]]);
  });

  it('keeps times as means over the steps that they are of', async () => {
    const { log, written } = open();
    const timing = { data: 4, upload: 1, compute: 8, read: 0 };
    await log.add({ ...progress(1, 4), timing } as RunEvent);
    await log.add({ ...progress(4, 2), timing: { data: 0, upload: 1, compute: 4, read: 4 } } as RunEvent);
    await log.flush();
    expect(written[0]).toMatchObject([{ step: 4, timing: { data: 1, upload: 1, compute: 5, read: 3 } }]);
  });

  it('writes what matters at once, after the progress before it', async () => {
    const { log, written } = open();
    await log.add(progress(2, 1));
    await log.add(notice);
    expect(written).toEqual([[progress(2, 1), notice]]);
  });

  it('does not keep passing moments, and writes what is left when asked', async () => {
    const { log, heard, written } = open();
    await log.add({ type: 'validating', epoch: 1, done: 1, total: 2 });
    await log.add(progress(1, 1));
    await log.flush();
    await log.flush();
    expect(heard).toHaveLength(2);
    expect(written).toEqual([[progress(1, 1)]]);
  });

  it('passes on that nothing can be written', async () => {
    const log = new RunLog({ listener: () => undefined, append: () => Promise.reject(new Error('full')) });
    await expect(log.add(notice)).rejects.toThrow('full');
  });
});
