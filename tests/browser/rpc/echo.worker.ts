// A worker for the test of the wire: it answers, tells, fails and waits to be cancelled.
import { TrainyardError } from '$lib/core/errors';
import { serve } from '$lib/rpc/serve';
import { createTasks } from '$lib/rpc/tasks';

const tasks = createTasks();

const api = {
  add: (a: number, b: number) => Promise.resolve(a + b),
  size: (file: Blob) => Promise.resolve(file.size),
  fail: (badInput: boolean) =>
    Promise.reject(new TrainyardError('wrong', 'It failed over "x".', 'Do y.', { badInput })),
  crash: (): Promise<void> => {
    throw new RangeError('out of range');
  },
  tell: (count: number, onEvent: (event: { number: number }) => void) => {
    for (let number = 0; number < count; number++) onEvent({ number });
    return Promise.resolve(count);
  },
  wait: (taskId: string, onEvent: (event: string) => void) =>
    tasks.run(
      taskId,
      (signal) =>
        new Promise<string>((resolve) => {
          signal.addEventListener('abort', () => resolve('cancelled'));
          onEvent('waiting');
        }),
    ),
  cancel: (taskId: string) => tasks.cancel(taskId),
  throwLater: () => {
    queueMicrotask(() => {
      throw new Error('nobody awaited this');
    });
    return Promise.resolve();
  },
};

export type EchoApi = typeof api;

serve(api);
