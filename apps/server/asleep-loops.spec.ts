// Which loops does the lookout's word wake?
import { SchedulerRegistry } from '@nestjs/schedule';
import type { PinoLogger } from 'nestjs-pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ASKED_SLEEP_MS } from '#kernel/loop.js';
import { ManualLoop } from '#test/support/manual-loop.js';
import { LoopTimers } from './loop-timers.js';

let timers: LoopTimers;
let loop: ManualLoop;

beforeEach(() => {
  vi.useFakeTimers();
  timers = new LoopTimers(new SchedulerRegistry(), {} as PinoLogger); // they write of failures alone
  loop = new ManualLoop();
  timers.drive(loop);
});

afterEach(() => {
  timers.stop();
  vi.useRealTimers();
});

it('one that sleeps is woken', async () => {
  await loop.end(ASKED_SLEEP_MS);
  timers.wakeAsleep(loop);
  expect(loop.begun).toBe(2);
});

it('one is left alone while it is under way, and while it rests from its work', async () => {
  timers.wakeAsleep(loop);
  await loop.end(1_000);
  timers.wakeAsleep(loop);
  expect(loop.begun).toBe(1);
});
