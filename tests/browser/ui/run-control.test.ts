// The run of a page: what is asked of it, what becomes of it, and what the page does meanwhile.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TrainyardError } from '../../../src/lib/core/errors';
import type { Job } from '../../../src/lib/job/job';
import type { TrainApi, TrainRequest } from '../../../src/lib/rpc/protocol';
import { absentRun, forgetRun, rememberRun } from '../../../src/lib/state/run-absence';
import { keepAwake } from '../../../src/lib/state/run-awake';
import { RunControl } from '../../../src/lib/state/run-control.svelte';
import { RunNotices } from '../../../src/lib/state/run-notices.svelte';
import { StepProfiler } from '../../../src/lib/state/run-profile.svelte';
import type { RunRecord } from '../../../src/lib/storage/records';
import { onAsked } from '../../../src/lib/storage/run-control';
import type { RunEvent } from '../../../src/lib/training/events';

const device = { engine: 'tfjs', backend: 'cpu', adapter: 'a', reason: '', precision: 'float32', alternatives: [] } as const; // prettier-ignore
const images = { train: 8, val: 2, test: 2 };
const started = { type: 'started', runId: 'r', device, epochs: 2, stepsPerEpoch: 4, parameters: 1, images, fromStep: 0 } as const; // prettier-ignore
/** Neither job nor record is looked at by the control. */
const request: TrainRequest = { projectId: 'p', versionId: 'v', name: 'net 1', job: {} as Job };
const record = { id: 'r', status: 'done' } as RunRecord;

/** A worker whose run is ended by hand. */
function worker() {
  let tell: (event: RunEvent) => void = () => undefined;
  let end: (record: RunRecord) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const asked: string[] = [];
  const say = (word: string) => () => {
    asked.push(word);
    return Promise.resolve();
  };
  const train: Partial<TrainApi> = {
    train: (_, onEvent) => {
      tell = onEvent;
      return new Promise((resolve, reject) => {
        end = resolve;
        fail = reject;
      });
    },
    pause: say('pause'),
    continue: say('continue'),
    save: say('save'),
    stop: say('stop'),
  };
  const control = new RunControl(
    train as TrainApi,
    () => Promise.reject(new Error('No storage.')),
    () => undefined,
  ); // the rest is never called
  return {
    control,
    asked,
    tell: (event: RunEvent) => tell(event),
    end: () => end(record),
    fail: (error: Error) => fail(error),
  };
}

beforeEach(() => sessionStorage.clear());
afterEach(() => vi.restoreAllMocks());

test('a run is paused, gone on with and stopped, and shows what the worker says it does', async () => {
  const { control, asked, tell, end } = worker();
  const starting = control.start(request);
  expect(control.active?.status).toBe('starting');
  await control.ask('pause', '');
  expect(asked).toEqual([]);
  tell(started);
  expect(await starting).toBe('r');
  await control.ask('pause');
  expect(control.active?.status).toBe('pausing');
  tell({ type: 'paused', step: 3 });
  expect(control.active?.status).toBe('paused');
  await control.ask('save');
  await control.ask('continue');
  expect(control.active?.status).toBe('running');
  // Asked for by another tab.
  tell({ type: 'paused', step: 4 });
  expect(control.active?.status).toBe('paused');
  tell({ type: 'continued', step: 4, seconds: 1 });
  expect(control.active?.status).toBe('running');
  await control.stop();
  expect(asked).toEqual(['pause', 'save', 'continue', 'stop']);
  expect(control.live?.stopped).toBe(true);
  const ended = control.live?.ended;
  end();
  expect(await ended).toBe(record);
  expect(control.active).toBeNull();
});

test('one run at a time, and a failure is kept with the run', async () => {
  const { control, tell, fail } = worker();
  const starting = control.start(request);
  tell(started);
  await starting;
  await expect(control.start(request)).rejects.toMatchObject({ code: 'run-active' });
  const live = control.live;
  fail(new TrainyardError('loss-not-finite', 'The loss became NaN.', 'Lower the rate.'));
  expect(await live?.ended).toBeNull();
  expect(live?.error?.code).toBe('loss-not-finite');
  expect(live?.stopped).toBe(false);
});

test('what is asked of a run that trains elsewhere goes to where it trains', async () => {
  const { control, asked } = worker();
  const heard: string[] = [];
  const stop = onAsked('other', (wish) => heard.push(wish));
  await control.ask('pause', 'other');
  await control.ask('stop', 'somebody');
  await control.ask('save', 'other');
  await expect.poll(() => heard).toEqual(['pause', 'save']);
  expect(asked).toEqual([]);
  stop();
});

test('a tab remembers which run it trains until that has ended, and when it was last seen', async () => {
  rememberRun('r', 1_000_000);
  rememberRun('r', 1_001_000);
  expect(absentRun(1_010_000)).toEqual({ runId: 'r', seconds: 10 });
  rememberRun('r', 1_006_000);
  expect(absentRun(1_010_000)?.seconds).toBe(4);
  forgetRun();
  expect(absentRun()).toBeNull();
  sessionStorage.setItem('trainyard:training', '{"runId":7}');
  expect(absentRun()).toBeNull();
  const { control, tell, end } = worker();
  void control.start(request);
  tell(started);
  await expect.poll(() => absentRun()?.runId).toBe('r');
  end();
  await expect.poll(() => absentRun()).toBeNull();
});

test('the screen stays on until it is let go, and is asked for again when the tab is seen again', async () => {
  const locks: { released: boolean; release: () => Promise<void> }[] = [];
  const ask = vi.spyOn(navigator.wakeLock, 'request').mockImplementation(() => {
    const lock = {
      released: false,
      release: () => {
        lock.released = true;
        return Promise.resolve();
      },
    };
    locks.push(lock);
    return Promise.resolve(lock as unknown as WakeLockSentinel); // only these two are used
  });
  const letGo = keepAwake();
  await expect.poll(() => locks.length).toBe(1);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(ask).toHaveBeenCalledTimes(1);
  // The browser lets go of it when the tab is hidden.
  locks[0].released = true;
  document.dispatchEvent(new Event('visibilitychange'));
  await expect.poll(() => locks.length).toBe(2);
  letGo();
  await expect.poll(() => locks[1].released).toBe(true);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(ask).toHaveBeenCalledTimes(2);
});

test('a refused screen lock is no error', async () => {
  const ask = vi
    .spyOn(navigator.wakeLock, 'request')
    .mockRejectedValue(new DOMException('Low battery', 'NotAllowedError'));
  const letGo = keepAwake();
  await expect.poll(() => ask.mock.calls.length).toBe(1);
  letGo();
});

test('the system is asked for messages only when they are switched on, and the choice is kept', async () => {
  localStorage.removeItem('trainyard:notify');
  const shown: string[] = [];
  let permission: NotificationPermission = 'default';
  let answer: NotificationPermission = 'granted';
  const requestPermission = vi.fn(() => Promise.resolve((permission = answer)));
  class Message {
    static get permission() {
      return permission;
    }
    static readonly requestPermission = requestPermission;
    onclick: (() => void) | null = null;
    constructor(title: string, { body }: NotificationOptions) {
      shown.push(`${title}: ${body}`);
    }
    close() {
      return undefined;
    }
  }
  vi.stubGlobal('Notification', Message);
  const notices = new RunNotices();
  notices.show('net 1 is done', '3 epochs', () => undefined);
  expect([notices.on, shown, requestPermission.mock.calls.length]).toEqual([false, [], 0]);
  await notices.set(true);
  notices.show('net 1 is done', '3 epochs', () => undefined);
  expect(shown).toEqual(['net 1 is done: 3 epochs']);
  expect(new RunNotices().on).toBe(true);
  await notices.set(false);
  notices.show('net 2 is done', '3 epochs', () => undefined);
  expect(shown).toHaveLength(1);
  expect(new RunNotices().on).toBe(false);
  permission = 'default';
  answer = 'denied';
  const refused = new RunNotices();
  await refused.set(true);
  expect([refused.on, refused.refused]).toEqual([false, true]);
  vi.unstubAllGlobals();
});

test('a profile that fails says why, and one that was cancelled says nothing', async () => {
  const profile = vi
    .fn()
    .mockRejectedValueOnce(new TrainyardError('device-lost', 'The device was lost.', ''))
    .mockRejectedValueOnce(new TrainyardError('cancelled', 'It was cancelled.', ''))
    .mockResolvedValueOnce({ total: 1, source: 'clock', kernels: [], device });
  const profiler = new StepProfiler({ profile } as unknown as TrainApi); // nothing else is called
  await profiler.run(request);
  expect(profiler.error?.code).toBe('device-lost');
  await profiler.run(request);
  expect([profiler.error, profiler.profile, profiler.busy]).toEqual([null, null, false]);
  await profiler.run(request);
  expect(profiler.profile?.total).toBe(1);
});
