import { describe, expect, it } from 'vitest';
import { NormLog } from '$lib/training/norms';

/** Norms of two layers; counts how they are let go. */
function lazy(gradient: readonly number[], gone: string[] = []) {
  return {
    names: ['a', 'b'],
    read: () => Promise.resolve({ gradient: Float32Array.from(gradient) }).finally(() => gone.push('read')),
    dispose: () => void gone.push('disposed'),
  };
}

function logOf(...steps: readonly (readonly number[])[]): NormLog {
  const log = new NormLog();
  steps.forEach((gradient, step) => log.add(step, lazy(gradient)));
  return log;
}

describe('the gradients of a step that failed', () => {
  it('are its own where its loss was a number, those that are none first', async () => {
    const { gradients, at } = await logOf([1, 2], [3, Infinity]).gradients(1, true);
    expect([gradients.map(({ name, norm }) => [name, norm]), at]).toEqual([[['b', Infinity], ['a', 3]], 1]); // prettier-ignore
  });

  it('behind a loss that is no number are those before it, whatever its own say', async () => {
    expect(await logOf([1, 2], [7, NaN]).gradients(1, false)).toMatchObject({
      gradients: [{ norm: 2 }, { norm: 1 }],
      at: 0,
    });
    expect(await logOf([1, 2], [NaN, NaN], [0, NaN]).gradients(2, false)).toMatchObject({ at: 0 });
  });

  it('are its own, for what they are worth, where none before it are known', async () => {
    expect(await logOf([NaN, NaN]).gradients(0, false)).toMatchObject({ at: 0 });
    expect(await new NormLog().gradients(0, false)).toEqual({ gradients: [], at: null });
  });
});

it('norms that nobody asked for are freed unread, and each is freed once', async () => {
  const gone: string[][] = [];
  const log = new NormLog();
  for (let step = 0; step < 12; step++) {
    gone.push([]);
    log.add(step, lazy([1, 1], gone[step]));
  }
  expect(gone.slice(0, 5).map((of) => of.length)).toEqual([1, 1, 1, 1, 0]);
  await log.gradients(11, true);
  log.dispose();
  expect(gone.map((of) => of.join())).toEqual([...Array<string>(11).fill('disposed'), 'read']);
});
