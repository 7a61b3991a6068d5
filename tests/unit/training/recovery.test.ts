import { describe, expect, it } from 'vitest';
import { Recovery } from '$lib/training/recovery';

describe('the way on after an interruption', () => {
  it('is a new device and the same parts after a loss, three times in a row', () => {
    const recovery = new Recovery(16);
    const at = { safe: 5, accumulate: 2 };
    for (let time = 0; time < 3; time++)
      expect(recovery.next('device-lost', at)).toEqual({ renew: true, accumulate: 2 });
    expect(recovery.next('device-lost', at)).toBeNull();
  });

  it('begins to count anew with whatever was stored since', () => {
    const recovery = new Recovery(16);
    for (let safe = 0; safe < 20; safe++) expect(recovery.next('device-lost', { safe, accumulate: 1 })).not.toBeNull();
    // Going back is nothing new.
    for (let time = 0; time < 2; time++) recovery.next('device-lost', { safe: 3, accumulate: 1 });
    expect(recovery.next('device-lost', { safe: 3, accumulate: 1 })).toBeNull();
  });

  it('is twice as many parts without memory, down to single images', () => {
    const recovery = new Recovery(6);
    const after = (accumulate: number) => recovery.next('out-of-memory', { safe: 0, accumulate });
    expect(after(1)).toEqual({ renew: false, accumulate: 2 });
    expect(after(4)).toEqual({ renew: false, accumulate: 6 });
    expect(after(6)).toBeNull();
  });
});
