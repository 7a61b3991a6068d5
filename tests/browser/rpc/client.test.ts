import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrainyardError } from '$lib/core/errors';
import { connect, type ConnectOptions, type Connection } from '$lib/rpc/client';
import type { EchoApi } from './echo.worker';

const open: Connection<EchoApi>[] = [];

function connectEcho(more: Partial<ConnectOptions> = {}): Connection<EchoApi> {
  const connection = connect<EchoApi>({
    title: 'The echo worker',
    start: () => new Worker(new URL('./echo.worker.ts', import.meta.url), { type: 'module' }),
    ...more,
  });
  open.push(connection);
  return connection;
}

async function failure(call: Promise<unknown>): Promise<TrainyardError> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof TrainyardError) return error;
  throw error;
}

afterEach(() => {
  for (const connection of open.splice(0)) connection.terminate();
});

describe('a connection to a worker', () => {
  it('starts the worker with the first call, and once', async () => {
    const start = vi.fn(() => new Worker(new URL('./echo.worker.ts', import.meta.url), { type: 'module' }));
    const { api } = connectEcho({ start });
    expect(start).not.toHaveBeenCalled();
    expect(await Promise.all([api.add(1, 2), api.add(3, 4)])).toEqual([3, 7]);
    expect(await api.size(new Blob(['abc']))).toBe(3);
    expect(start).toHaveBeenCalledTimes(1);
  });

  it('brings errors back with their code, message, hint and whose fault it is', async () => {
    const { api } = connectEcho();
    for (const badInput of [true, false]) {
      expect(await failure(api.fail(badInput))).toMatchObject({
        code: 'wrong',
        message: 'It failed over "x".',
        hint: 'Do y.',
        badInput,
      });
    }
    expect(await failure(api.crash())).toMatchObject({ code: 'internal', message: 'out of range', badInput: false });
  });

  it('delivers every event, in order, before the answer', async () => {
    const { api } = connectEcho();
    const seen: number[] = [];
    await api.tell(1000, ({ number }) => seen.push(number));
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, number) => number));
  });

  it('cancels by task id, and only that task', async () => {
    const { api } = connectEcho();
    const ended: string[] = [];
    const wait = (taskId: string): Promise<void> =>
      new Promise((told) => {
        const call = api.wait(taskId, () => told());
        // The other one is still waiting when the test ends the worker.
        call.then(
          () => ended.push(taskId),
          () => undefined,
        );
      });
    await Promise.all([wait('a'), wait('b')]);
    await api.cancel('a');
    await api.cancel('unknown');
    await api.add(0, 0);
    expect(ended).toEqual(['a']);
  });

  it('fails with a sentence when the worker cannot load, and starts anew with the next call', async () => {
    let attempt = 0;
    const { api } = connectEcho({
      start: () =>
        attempt++ === 0
          ? new Worker(new URL('./broken.worker.ts', import.meta.url), { type: 'module' })
          : new Worker(new URL('./echo.worker.ts', import.meta.url), { type: 'module' }),
    });
    const error = await failure(api.add(1, 1));
    expect(error.code).toBe('worker-not-started');
    expect(error.message).toContain('The echo worker did not start');
    expect(await api.add(1, 1)).toBe(2);
  });

  it('does not wait for ever on a worker that never listens', async () => {
    const silent = URL.createObjectURL(new Blob(['/* says nothing */'], { type: 'text/javascript' }));
    const { api } = connectEcho({ start: () => new Worker(silent, { type: 'module' }), timeoutMs: 200 });
    expect(await failure(api.add(1, 1))).toMatchObject({ code: 'worker-not-started', badInput: false });
  });

  it('rejects calls under way when it is ended', async () => {
    const { api, terminate } = connectEcho();
    let call: Promise<TrainyardError> | undefined;
    await new Promise<void>((told) => {
      call = failure(api.wait('x', () => told()));
    });
    terminate();
    expect((await call)?.code).toBe('worker-ended');
  });

  it('tells errors that nobody awaited without breaking the connection', async () => {
    const faults: string[] = [];
    const { api } = connectEcho({ onFault: ({ code, message }) => faults.push(`${code} ${message}`) });
    await api.throwLater();
    await vi.waitFor(() => expect(faults).toHaveLength(1));
    expect(faults[0]).toContain('nobody awaited this');
    expect(await api.add(2, 2)).toBe(4);
  });
});
