// Which moment shows that a lock is not watched over? A holder's transaction that outlasts its lease, and a waiter whom no
// release wakes. Users of locks are left out: what they do in this moment is a matter of luck.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { ADMIN_KEY } from '../../support/replica-fork.js';
import { UNDER_LOCKS } from '../limited/under-locks.js';
import { LOCK_TENANT } from '../locks/lock-plan.js';
import type { Harness } from '../harness.js';
import { actors, type Plot } from './plot.js';

const LEASE_SECONDS = 1;
const PAST_LEASE_MS = 1_500;
/** Another is in line by then. */
const SILENT_SECONDS = 5;
const WAIT_SECONDS = 20;

const LOCK = 'one';

/** It has written, sleeps, and commits when another holder has written, too. */
export const staleCommit: Plot = async (harness) => {
  await withSession(harness, async (stale) => {
    const first = await tryLock(stale, 'stale');
    await stale.query('begin');
    await write(stale, first);
    await rest(PAST_LEASE_MS);
    await withSession(harness, async (next) => {
      await write(next, await tryLock(next, 'next'));
    });
    await stale.query('commit').catch(() => undefined); // which is refused, with the product as it is
  });
  return [];
};

/** The lease of a holder that says nothing ends before the patience of the one that waits. */
export const leaseEndsUnsaid: Plot = async (harness) => {
  const { follower } = await actors(harness);
  // Each of its runs releases a lock, and all who wait are told.
  await harness.cluster.insist(follower.seat, `/api/v1/tenants/${UNDER_LOCKS}/schedules/closes:pause`, {
    body: {},
  });
  await withSession(harness, async (silent) => void (await tryLock(silent, 'silent', SILENT_SECONDS)));
  const answer = await fetch(`${follower.seat.url}/api/v1/tenants/${LOCK_TENANT}/locks/${LOCK}:acquire`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ holder: 'waits', leaseSeconds: LEASE_SECONDS, waitSeconds: WAIT_SECONDS }),
  });
  await answer.arrayBuffer();
  await rest(PAST_LEASE_MS);
  return [];
};

async function withSession(
  { databaseUrl }: Harness,
  act: (session: pg.Client) => Promise<void>,
): Promise<void> {
  const session = new pg.Client({ connectionString: databaseUrl });
  await session.connect();
  try {
    await act(session);
  } finally {
    await session.end();
  }
}

async function tryLock(session: pg.Client, holder: string, seconds = LEASE_SECONDS): Promise<number> {
  const { rows } = await session.query<{ token: number | null }>(
    `select carillon.try_lock($1, $2, $3, $4 * interval '1 second')::int as token`,
    [LOCK_TENANT, LOCK, holder, seconds],
  );
  const token = rows[0]?.token ?? null;
  if (token === null) throw new Error(`expected ${LOCK} to be free for ${holder}, got one that is held`);
  return token;
}

async function write(session: pg.Client, token: number): Promise<void> {
  await session.query('select carillon.check_lock($1, $2, $3)', [LOCK_TENANT, LOCK, token]);
  await session.query('insert into chaos.lock_write (lock, token, holder) values ($1, $2, $3)', [
    LOCK,
    token,
    `holder of ${token}`,
  ]);
}
