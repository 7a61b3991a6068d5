import { describe, expect, it } from 'vitest';
import { historyCsv } from '$lib/evaluation/history';
import { currentEvents } from '$lib/storage/run-history';
import type { RunEvent } from '$lib/training/events';

function epoch(number: number, metrics: Record<string, number>, best = false): RunEvent {
  return { type: 'epoch', epoch: number, step: number * 10, metrics, learningRate: 0.001, seconds: 1.5, best };
}

function started(fromStep: number): RunEvent {
  return {
    type: 'started',
    runId: 'r',
    device: { engine: 'tfjs', backend: 'cpu', adapter: '', reason: '', precision: 'float32', alternatives: [] },
    epochs: 3,
    stepsPerEpoch: 10,
    parameters: 1,
    images: { train: 1, val: 1, test: 1 },
    fromStep,
  };
}

describe('the events of a run that was cut off and resumed', () => {
  it('count once: what the resume took back is left out', () => {
    const log = [
      started(0),
      epoch(1, { train_loss: 1 }),
      { type: 'checkpoint', kind: 'last', epoch: 1, step: 10 } as const,
      epoch(2, { train_loss: 0.5 }),
      started(10),
      epoch(2, { train_loss: 0.6 }),
    ];
    expect(currentEvents(log)).toEqual([log[0], log[1], log[2], log[4], log[5]]);
  });
});

describe('history.csv', () => {
  it('has a row for each epoch and a column for each metric, empty where it was not computed', () => {
    const csv = historyCsv([
      started(0),
      epoch(1, { train_loss: 1 }),
      epoch(2, { train_loss: 0.5, val_accuracy: 0.75 }, true),
      epoch(3, { train_loss: 9 }),
      started(20),
      epoch(3, { train_loss: 0.25, val_accuracy: 0.5 }),
    ]);
    expect(csv.split('\r\n')).toEqual([
      'epoch,step,learning_rate,seconds,best,train_loss,val_accuracy',
      '1,10,0.001,1.5,0,1,',
      '2,20,0.001,1.5,1,0.5,0.75',
      '3,30,0.001,1.5,0,0.25,0.5',
      '',
    ]);
  });
});
