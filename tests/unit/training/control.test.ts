import { describe, expect, it } from 'vitest';
import { createControl } from '$lib/training/control';

/** Whether a promise is settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('control of a run', () => {
  it('hands a checkpoint out once, before a pause', () => {
    const { control, pause, save } = createControl();
    expect(control.takeRequest()).toBeNull();
    pause();
    save();
    save();
    expect(control.takeRequest()).toBe('save');
    expect(control.takeRequest()).toBe('pause');
  });

  it('holds until it is continued', async () => {
    const { control, pause, continue: goOn } = createControl();
    pause();
    expect(control.takeRequest()).toBe('pause');
    const waiting = control.continued();
    expect(await settled(waiting)).toBe(false);
    goOn();
    expect(await settled(waiting)).toBe(true);
    expect(control.takeRequest()).toBeNull();
  });

  it('does not hold where it was continued before it began to wait', async () => {
    const { control, pause, continue: goOn } = createControl();
    pause();
    control.takeRequest();
    goOn();
    expect(await settled(control.continued())).toBe(true);
  });

  it('lets go when it is to stop, and is not held any more then', async () => {
    const { control, pause, stop } = createControl();
    pause();
    control.takeRequest();
    const waiting = control.continued();
    stop();
    expect(control.signal.aborted).toBe(true);
    expect(await settled(waiting)).toBe(true);
    pause();
    expect(control.takeRequest()).toBeNull();
  });
});
