// Seconds of training alone.
import { expect, test } from 'vitest';
import { RunClock } from '$lib/state/run-clock';

test('it stands during a pause and goes on from there, however often either is said', () => {
  const clock = new RunClock();
  clock.start(10_000, 5);
  expect(clock.seconds(12_000)).toBe(7);
  clock.hold(12_000);
  expect(clock.seconds(99_000)).toBe(7);
  clock.goOn(100_000);
  clock.goOn(101_000);
  expect(clock.seconds(103_000)).toBe(10);
});

test('time away is not counted, and it never goes back', () => {
  const clock = new RunClock();
  clock.start(0, 0);
  clock.leaveOut(30);
  expect(clock.seconds(40_000)).toBe(10);
  expect(clock.seconds(20_000)).toBe(0);
});
