import { describe, expect, it } from 'vitest';
import { createQueue, createTasks } from '$lib/rpc/tasks';

describe('a queue', () => {
  it('does one thing after the other, and goes on after a failure', async () => {
    const queue = createQueue();
    const order: string[] = [];
    const slow = queue(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push('slow');
    });
    const failing = queue(() => Promise.reject(new Error('no')));
    const quick = queue(() => Promise.resolve(order.push('quick')));
    await expect(failing).rejects.toThrow('no');
    await Promise.all([slow, quick]);
    expect(order).toEqual(['slow', 'quick']);
  });
});

describe('tasks', () => {
  it('are cancelled by id while they run, and forgotten afterwards', async () => {
    const tasks = createTasks();
    const aborted = (signal: AbortSignal): Promise<boolean> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(true)));
    const running = tasks.run('a', aborted);
    await tasks.cancel('b');
    await tasks.cancel('a');
    expect(await running).toBe(true);
    const again = await tasks.run('a', (signal) => Promise.resolve(signal.aborted));
    expect(again).toBe(false);
  });
});
