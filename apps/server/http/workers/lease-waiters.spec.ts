// Is a worker that waits for work answered when its time is up, even while the look for work is under way? The test
// plays the database's part, says how long its answers take, and moves vitest's timers.
import { SchedulerRegistry } from '@nestjs/schedule';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { PinoLogger } from 'nestjs-pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { databaseOver } from '#database/connection.js';
import type { Acquisition } from '#execution/leases/lease-acquisition.js';
import { asId } from '#kernel/ids.js';
import { advance } from '#test/support/manual-loop.js';
import { LoopTimers } from '../../loop-timers.js';
import type { LongStay } from '../access/auth.guard.js';
import { LeaseWaiters } from './lease-waiters.js';

const TENANT = asId.tenant('01980000-0000-7000-8000-000000000001');
const WORKER = asId.worker('01980000-0000-7000-8000-000000000002');
const LEASE = { id: '01980000-0000-7000-8000-000000000003', fencing: 1, priority: 0, runAt: new Date(0) };

let timers: LoopTimers;
let waiters: LeaseWaiters;
let lookMs: number;
let takeMs: number;
/** What a worker may take, once it was seen. */
let isOffered: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  lookMs = 0;
  takeMs = 0;
  isOffered = false;
  timers = new LoopTimers(new SchedulerRegistry(), {} as PinoLogger);
  waiters = new LeaseWaiters(databaseOver(playedPool()), timers);
  waiters.onApplicationBootstrap();
});

afterEach(() => {
  timers.stop();
  vi.useRealTimers();
});

function playedPool(): PostgresPool {
  const query = async (text: string) => {
    if (text.includes('select w.tenant_id')) await passing(lookMs);
    if (text.includes('offered as')) await passing(takeMs);
    return { rows: rowsOf(text), command: 'SELECT', rowCount: 1 };
  };
  // Kysely asks no more of a pool and its client than this.
  const client = { query, release: () => undefined } as unknown as PostgresPoolClient;
  return { options: {}, connect: () => Promise.resolve(client), end: () => Promise.resolve() };
}

function rowsOf(text: string): object[] {
  if (text.includes('update "carillon"."worker"')) return [{ state: 'run' }];
  if (!isOffered) return [];
  if (text.includes('select w.tenant_id')) return [{ tenantId: TENANT, jobType: 'job' }];
  return text.includes('offered as') ? [LEASE] : [];
}

const passing = (ms: number): Promise<void> =>
  ms === 0 ? Promise.resolve() : new Promise((resolve) => void setTimeout(resolve, ms));

/** Tells in the end after how long it was answered, and with how many leases; null until then. */
function acquiring(ms: number) {
  const state: { answered: { afterMs: number; leases: number } | null } = { answered: null };
  const startedAtMs = performance.now();
  const stay = {
    turn: { away: (act: () => Promise<unknown>) => act() },
    isStillAllowed: () => Promise.resolve(true),
  } as unknown as LongStay;
  const request = { tenantId: TENANT, worker: WORKER, requestId: 'one', jobTypes: ['job'], max: 1 };
  const wait = { ms, hungUp: () => undefined, stay, hold: (act: () => Promise<Acquisition>) => act() };
  const ask = async (): Promise<void> => {
    const acquisition = await waiters.acquire(request, wait);
    const leases = acquisition.kind === 'leases' ? acquisition.leases.length : 0;
    state.answered = { afterMs: Math.round(performance.now() - startedAtMs), leases };
  };
  void ask();
  return state;
}

it('a worker whose time is up is answered while the look is under way', async () => {
  lookMs = 5_000;
  const worker = acquiring(1_000);
  await advance(1_001);
  expect(worker.answered).toEqual({ afterMs: 1_000, leases: 0 });
});

it('a worker that is taking something when its time is up gets what it takes', async () => {
  const worker = acquiring(1_000);
  await advance(1);
  takeMs = 3_000;
  isOffered = true;
  timers.wake(waiters);
  await advance(2_000);
  expect(worker.answered).toBeNull();
  await advance(1_001);
  expect(worker.answered).toEqual({ afterMs: 3_001, leases: 1 });
});

it('a worker that took nothing until its time was up is answered then', async () => {
  const worker = acquiring(1_000);
  await advance(1);
  takeMs = 3_000;
  isOffered = true;
  timers.wake(waiters);
  await advance(2_000);
  isOffered = false;
  await advance(1_001);
  expect(worker.answered?.leases).toBe(0);
});
