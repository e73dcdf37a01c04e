// Do loops go round when they should, one pass at a time, and not at all after the end? The test plays the loops'
// part: it ends each pass itself, and moves vitest's fake timers.
import { SchedulerRegistry } from '@nestjs/schedule';
import fc from 'fast-check';
import type { PinoLogger } from 'nestjs-pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { advance, ManualLoop, settle } from '#test/support/manual-loop.js';
import { LoopTimers } from './loop-timers.js';

let registry: SchedulerRegistry;
let logged: { level: string; loop: string; failures: number }[];
let timers: LoopTimers;

beforeEach(() => {
  vi.useFakeTimers();
  // The longest back-off: 200 ms, 400 ms, and so on up to 5 s.
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  logged = [];
  begin();
});

afterEach(() => {
  timers.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function begin(): void {
  registry = new SchedulerRegistry();
  const write =
    (level: string) =>
    ({ loop, failures }: { loop: string; failures: number }) => {
      logged.push({ level, loop, failures });
    };
  // The timers write nothing but warnings and errors.
  timers = new LoopTimers(registry, { warn: write('warn'), error: write('error') } as unknown as PinoLogger);
}

function drive(loop = new ManualLoop()): ManualLoop {
  timers.drive(loop);
  return loop;
}

describe('a driven loop', () => {
  it('begins a pass at once, and the next when the last one wanted it', async () => {
    const loop = drive();
    expect(loop.begun).toBe(1);
    await loop.end(1_000);
    await advance(999);
    expect(loop.begun).toBe(1);
    await advance(1);
    expect(loop.begun).toBe(2);
  });

  it.each([0, 0.2])('goes on at once when the last pass wanted hardly a rest: %d ms', async (delayMs) => {
    const loop = drive();
    await loop.end(delayMs);
    await advance(1);
    expect(loop.begun).toBe(2);
  });

  it('has one timer, under its own name, and none while it is under way', async () => {
    const loop = drive();
    expect(registry.getTimeouts()).toEqual([]);
    await loop.end(1_000);
    expect(registry.getTimeouts()).toEqual(['claim']);
    timers.wake(loop);
    await loop.end(500);
    expect(registry.getTimeouts()).toEqual(['claim']);
  });

  it('does not wait for any other', async () => {
    const stuck = drive(new ManualLoop('a'));
    const failing = drive(new ManualLoop('b'));
    const healthy = drive(new ManualLoop('c'));
    await failing.fail();
    await healthy.end(100);
    await advance(100);
    expect([stuck.begun, failing.begun, healthy.begun]).toEqual([1, 1, 2]);
  });
});

describe('a wake-up', () => {
  it('begins the next pass now instead of later', async () => {
    const loop = drive();
    await loop.end(1_000);
    timers.wake(loop);
    expect(loop.begun).toBe(2);
    await loop.end(5_000);
    await advance(1_000);
    expect(loop.begun).toBe(2);
  });

  it('during a pass means exactly one more right after it, however many there were', async () => {
    const loop = drive();
    for (let times = 0; times < 5; times += 1) timers.wake(loop);
    await settle();
    expect(loop.begun).toBe(1);
    await loop.end(60_000);
    expect(loop.begun).toBe(2);
    await loop.end(60_000);
    await advance(59_999);
    expect(loop.begun).toBe(2);
  });

  it('for soon comes once for a whole crowd, when what has arrived by now is dealt with', async () => {
    const loop = drive();
    await loop.end(60_000);
    for (let times = 0; times < 5; times += 1) timers.wakeSoon(loop);
    expect(loop.begun).toBe(1);
    await advance(0);
    expect(loop.begun).toBe(2);
    await loop.end(60_000);
    timers.wakeSoon(loop);
    await advance(0);
    expect(loop.begun).toBe(3);
  });

  it('of a loop that nobody drives is nothing', () => {
    timers.wake({ name: 'stranger' });
    timers.wakeSoon({ name: 'stranger' });
    expect(registry.getTimeouts()).toEqual([]);
  });
});

describe('a pass that failed', () => {
  it('is tried again later and later, up to 2 s', async () => {
    const loop = drive();
    for (const delayMs of [200, 400, 800, 1_600, 2_000, 2_000]) {
      const { begun } = loop;
      await loop.fail();
      await advance(delayMs - 1);
      expect(loop.begun).toBe(begun);
      await advance(1);
      expect(loop.begun).toBe(begun + 1);
    }
  });

  it('is not tried again any sooner for being woken', async () => {
    const loop = drive();
    await loop.fail();
    for (let passedMs = 0; passedMs < 199; passedMs += 1) {
      timers.wake(loop);
      await advance(1);
    }
    expect(loop.begun).toBe(1);
    await advance(1);
    expect(loop.begun).toBe(2);
  });

  it('is not tried again any sooner for having been woken before it failed', async () => {
    const loop = drive();
    timers.wake(loop);
    await loop.fail();
    expect(loop.begun).toBe(1);
    await advance(200);
    expect(loop.begun).toBe(2);
  });

  it('is forgotten with the first that succeeds', async () => {
    const loop = drive();
    await loop.fail();
    await advance(200);
    await loop.end(1_000);
    timers.wake(loop);
    expect(loop.begun).toBe(3);
    await loop.fail();
    await advance(200);
    expect(loop.begun).toBe(4);
  });

  it('ends neither the loop nor the process when it throws before it awaits', async () => {
    let begun = 0;
    const runOnce = (): never => {
      begun += 1;
      throw new TypeError('a bug');
    };
    timers.drive({ name: 'rash', runOnce });
    await advance(200);
    expect(begun).toBe(2);
  });

  it('is logged with its count: a warning for what the database did, an error for a bug', async () => {
    const loop = drive();
    await loop.fail(new Error('Connection terminated unexpectedly'));
    await advance(200);
    await loop.fail(new TypeError('undefined is not a function'));
    expect(logged).toEqual([
      { level: 'warn', loop: 'claim', failures: 1 },
      { level: 'error', loop: 'claim', failures: 2 },
    ]);
  });
});

describe('after the stop', () => {
  it('nothing begins: not what was due, not what is woken, not what is driven', async () => {
    const [resting, underWay] = [drive(new ManualLoop('a')), drive(new ManualLoop('b'))];
    await resting.end(100);
    timers.wake(underWay);
    timers.stop();
    await underWay.end(0);
    timers.wake(resting);
    const late = drive(new ManualLoop('c'));
    await advance(60_000);
    expect([resting.begun, underWay.begun, late.begun]).toEqual([1, 1, 0]);
    expect([registry.getTimeouts(), vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('a failure of the pass that was under way begins nothing either', async () => {
    const loop = drive();
    timers.stop();
    await loop.fail();
    expect([loop.begun, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it('whoever listens has been told', () => {
    let told = 0;
    timers.stopped.subscribe(() => (told += 1));
    timers.stop();
    expect(told).toBe(1);
  });
});

describe('a rest', () => {
  const watch = (rest: Promise<void>): { over: boolean } => {
    const watched = { over: false };
    void rest.then(() => (watched.over = true));
    return watched;
  };

  it('ends after its time, and not before', async () => {
    const rest = watch(timers.rest('drain', 25));
    await advance(24);
    expect(rest.over).toBe(false);
    await advance(1);
    expect(rest.over).toBe(true);
  });

  it('ends at once when everything has stopped before', async () => {
    timers.stop();
    const rest = watch(timers.rest('drain', 25));
    await settle();
    expect(rest.over).toBe(true);
  });

  it('ends when everything stops meanwhile', async () => {
    const rest = watch(timers.rest('drain', 25));
    timers.stop();
    await advance(60_000);
    expect(rest.over).toBe(true);
  });
});

describe('whatever happens in whatever order', () => {
  const events = fc.array(
    fc.oneof(
      fc.constant({ kind: 'wake' as const }),
      fc.constant({ kind: 'fail' as const }),
      fc.record({ kind: fc.constant('end' as const), ms: fc.nat(300) }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(600) }),
    ),
    { maxLength: 40 },
  );

  it('passes never overlap, a wake-up is never lost, and a failure is always waited out', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (sequence) => {
        begin();
        const loop = drive();
        let [woken, failures, notBefore] = [false, 0, 0];
        for (const event of sequence) {
          const { begun, isUnderWay } = loop;
          if (event.kind === 'advance') await advance(event.ms);
          if (event.kind === 'wake') {
            timers.wake(loop);
            const backingOff = Date.now() < notBefore;
            expect(loop.isUnderWay).toBe(isUnderWay || !backingOff);
            woken = isUnderWay;
          }
          if (event.kind === 'end' && isUnderWay) {
            await loop.end(event.ms);
            if (woken) expect(loop.begun).toBe(begun + 1);
            [woken, failures, notBefore] = [false, 0, 0];
          }
          if (event.kind === 'fail' && isUnderWay) {
            await loop.fail();
            expect(loop.begun).toBe(begun);
            [woken, failures] = [false, failures + 1];
            notBefore = Date.now() + Math.min(2_000, 100 * 2 ** failures);
          }
          if (loop.begun > begun) expect(Date.now()).toBeGreaterThanOrEqual(notBefore);
          expect(loop.overlapped).toBe(false);
        }
        timers.stop();
        await loop.end(0);
        expect(registry.getTimeouts()).toEqual([]);
      }),
    );
  });
});
