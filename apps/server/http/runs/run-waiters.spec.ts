// Does one slow look at the runs that callers wait for delay the looks after it, or keep a caller longer than he asked for?
// The test plays the database's part: it says how long a connection, and then the answer, takes, and moves vitest's timers.
import { SchedulerRegistry } from '@nestjs/schedule';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { PinoLogger } from 'nestjs-pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { databaseOver } from '#database/connection.js';
import { asId } from '#kernel/ids.js';
import { advance } from '#test/support/manual-loop.js';
import { LoopTimers } from '../../loop-timers.js';
import type { ReplicaService } from '../../replica/replica-service.js';
import { RunWaiters } from './run-waiters.js';

const RUN = asId.run('01980000-0000-7000-8000-000000000000');

let timers: LoopTimers;
let waiters: RunWaiters;
/** What the next looks take until they have a connection, and then at the server. */
let slow: { poolMs: number; serverMs: number };
let looks: number;
let isOver: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  slow = { poolMs: 0, serverMs: 1 };
  looks = 0;
  isOver = false;
  timers = new LoopTimers(new SchedulerRegistry(), {} as PinoLogger);
  waiters = new RunWaiters(databaseOver(playedPool()), timers, {
    hintAwaited: () => undefined,
    awaitEnd: () => () => undefined,
  } as unknown as ReplicaService);
  waiters.onApplicationBootstrap();
});

afterEach(() => {
  timers.stop();
  vi.useRealTimers();
});

function playedPool(): PostgresPool {
  const answer = async () => {
    looks += 1;
    const { serverMs } = slow;
    await passing(serverMs);
    return { rows: [{ ended: isOver ? [RUN] : [], tookMs: serverMs }], command: 'SELECT', rowCount: 1 };
  };
  // Kysely asks no more of a pool and its client than this.
  const client = { query: answer, release: () => undefined } as unknown as PostgresPoolClient;
  return {
    options: {},
    connect: () => passing(slow.poolMs).then(() => client),
    end: () => Promise.resolve(),
  };
}

const passing = (ms: number): Promise<void> =>
  ms === 0 ? Promise.resolve() : new Promise((resolve) => void setTimeout(resolve, ms));

/** Tells in the end after how long it was answered; null until then. */
function waiting(ms: number): { answeredAfterMs: number | null } {
  const state: { answeredAfterMs: number | null } = { answeredAfterMs: null };
  const startedAtMs = performance.now();
  const ask = async (): Promise<void> => {
    await waiters.wait(RUN, { ms, hungUp: () => undefined });
    state.answeredAfterMs = performance.now() - startedAtMs;
  };
  void ask();
  return state;
}

describe('after a look that took 700 ms', () => {
  it.each([
    ['because all connections were lent', { poolMs: 700, serverMs: 1 }],
    ['at the server', { poolMs: 0, serverMs: 700 }],
  ])('%s, the end of a run is told within a second', async (_where, wanted) => {
    slow = wanted;
    const caller = waiting(60_000);
    await advance(701);
    slow = { poolMs: 0, serverMs: 1 };
    isOver = true;
    timers.wake(waiters);
    await advance(1_002);
    expect(caller.answeredAfterMs).toBeLessThanOrEqual(1_703);
  });

  it('of which the server worked for one, the next look waits no longer than after any other', async () => {
    slow = { poolMs: 700, serverMs: 1 };
    waiting(60_000);
    await advance(701);
    slow = { poolMs: 0, serverMs: 1 };
    await advance(25);
    timers.wake(waiters);
    await advance(1);
    expect(looks).toBe(2);
  });
});

describe('a caller whose time is up', () => {
  it('is answered in time while a look is under way', async () => {
    slow = { poolMs: 5_000, serverMs: 1 };
    const [short, shorter] = [waiting(1_000), waiting(300)];
    await advance(1_000);
    expect(shorter.answeredAfterMs).toBeCloseTo(300, 0);
    expect(short.answeredAfterMs).toBeCloseTo(1_000, 0);
  });

  it('is answered in time after a look that was slow', async () => {
    slow = { poolMs: 0, serverMs: 400 };
    const caller = waiting(1_000);
    await advance(1_001);
    expect(caller.answeredAfterMs).toBeCloseTo(1_000, 0);
  });
});

it('looks that are quick follow each other as runs end, however many wake-ups there are', async () => {
  waiting(60_000);
  await advance(1);
  for (let ms = 0; ms < 500; ms += 5) {
    timers.wake(waiters);
    await advance(5);
  }
  expect(looks).toBeGreaterThan(15);
  expect(looks).toBeLessThanOrEqual(22);
});
