// Is a lock held by one at a time, and free for the next once it is released or its lease has ended? Straight at the
// database's function, from several sessions at once. Who waits is lines.spec.ts; HTTP requests are rest/locks.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { NAMED_LOCK } from '#database/advisory-locks.js';
import { acquire } from '#locks/acquiring.js';
import {
  clearEnded,
  countHolds,
  endHolds,
  findHolds,
  giveBackHold,
  renewHold,
} from '#locks/hold.repository.js';
import { held, LEASE_MS, useLocks, WAITS } from '../../support/locks.js';
import { openTransaction } from '../../support/open-transaction.js';
import { addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const { db } = useTestDatabase({ per: 'file', maxConnections: 12 });
const locks = useLocks(db);
const { ask, hold, release, expire } = locks;

describe('an exclusive lock', () => {
  it('is held by one, and free for the next once it is released', async () => {
    const first = await hold();
    expect(await ask()).toEqual({ kind: 'taken' });
    expect(await ask({ mode: 'shared' })).toEqual({ kind: 'taken' });
    expect(await release(first)).toEqual({ wasHeld: true, nextAt: [] });
    expect(await release(first)).toEqual({ wasHeld: false, nextAt: [] });
    expect((await hold()).token).toBeGreaterThan(first.token);
  });

  it("is another tenant's of the same name", async () => {
    await hold();
    const other = (await addTenant(db)).id;
    const wishes = [{ name: 'door', mode: 'exclusive', permits: 1 } as const];
    const answer = await acquire(
      db,
      { tenantId: other, holder: 'x', wishes, leaseMs: LEASE_MS, isReentrant: false },
      null,
    );
    expect(answer.kind).toBe('held');
  });

  it('goes to exactly one of many who ask at once, each time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
      const winners = answers.filter(({ kind }) => kind === 'held');
      expect(winners).toHaveLength(1);
      await release(held(winners[0] ?? expect.unreachable()));
    }
  });

  it('is free when its lease has ended, and its former holder can do nothing with it', async () => {
    const first = await hold();
    await expire(first);
    const second = await hold();
    expect(second.token).toBeGreaterThan(first.token);
    expect(await renewHold(db, { tenantId: locks.tenantId, ...first, leaseMs: LEASE_MS })).toBeUndefined();
    expect(await release(first)).toMatchObject({ wasHeld: false });
    expect(await findHolds(db, { tenantId: locks.tenantId, names: ['door'], limitEach: 5 })).toMatchObject([
      second,
    ]);
  });

  it('is given back by the replica whose caller is gone, unless that has found and renewed it elsewhere', async () => {
    const { tenantId } = locks;
    await giveBackHold(db, { tenantId, ...(await hold()) });
    const found = await hold();
    const renewed = await renewHold(db, { tenantId, ...found, leaseMs: LEASE_MS + 1_000 });
    await giveBackHold(db, { tenantId, ...found });
    expect(await ask()).toEqual({ kind: 'taken' });
    expect(renewed).toMatchObject({ token: found.token });
    expect(await release(found)).toMatchObject({ wasHeld: true });
  });

  it('can not be renewed once its lease has ended, even if no other has it', async () => {
    const first = await hold();
    const renewed = await renewHold(db, { tenantId: locks.tenantId, ...first, leaseMs: 2 * LEASE_MS });
    expect(+(renewed?.expiresAt ?? 0)).toBeGreaterThan(+(first.expiresAt ?? 0));
    await expire(first);
    expect(await renewHold(db, { tenantId: locks.tenantId, ...first, leaseMs: LEASE_MS })).toBeUndefined();
  });

  it('is refused to its own holder, unless that asks for it once more', async () => {
    const first = await hold({ holder: 'me' });
    for (const mode of ['exclusive', 'shared'] as const)
      expect(await ask({ holder: 'me', mode, waiting: WAITS })).toEqual({ kind: 'taken' });
    expect(await ask({ holder: 'me', mode: 'shared', reentrant: true })).toEqual({ kind: 'taken' });
    const again = await hold({ holder: 'me', reentrant: true });
    expect(again.token).toBe(first.token);
    expect(await ask({ holder: 'you', reentrant: true })).toEqual({ kind: 'taken' });
    await release(first);
    expect(await ask({ holder: 'you' })).toEqual({ kind: 'taken' });
    await release(first);
    expect((await ask({ holder: 'you' })).kind).toBe('held');
  });

  it('is released as often as it was acquired, also by callers at the same time', async () => {
    const first = await hold({ holder: 'me' });
    for (let times = 1; times < 10; times += 1) await hold({ holder: 'me', reentrant: true });
    const released = await Promise.all(Array.from({ length: 10 }, () => release(first)));
    expect(released.every(({ wasHeld }) => wasHeld)).toBe(true);
    expect((await ask({ holder: 'you' })).kind).toBe('held');
  });

  it('may be taken from its holder, by its token or without it', async () => {
    const first = await hold();
    expect(await endHolds(db, { tenantId: locks.tenantId, name: 'door', token: first.token + 1 })).toEqual(
      [],
    );
    expect(await endHolds(db, { tenantId: locks.tenantId, name: 'door', token: first.token })).toMatchObject([
      first,
    ]);
    const second = await hold();
    expect(await endHolds(db, { tenantId: locks.tenantId, name: 'door', token: null })).toMatchObject([
      second,
    ]);
    expect((await ask()).kind).toBe('held');
  });
});

describe('a shared lock', () => {
  it('is held by many at once, while one that excludes them waits', async () => {
    const readers = [await hold({ mode: 'shared' }), await hold({ mode: 'shared' })];
    expect(await ask()).toEqual({ kind: 'taken' });
    const writer = { holder: 'writer', waiting: WAITS };
    expect((await ask(writer)).kind).toBe('waits');
    // One who comes behind the writer does not overtake it, or writers would wait for ever.
    expect(await ask({ mode: 'shared' })).toEqual({ kind: 'taken' });
    for (const reader of readers) expect(await release(reader)).toMatchObject({ wasHeld: true });
    expect((await ask(writer)).kind).toBe('held');
  });
});

describe('several locks', () => {
  it('are acquired all or none', async () => {
    const gate = await hold({ names: ['gate'] });
    expect(await ask({ names: ['door', 'gate', 'attic'] })).toEqual({ kind: 'taken' });
    expect(await countHolds(db, { tenantId: locks.tenantId, upTo: 10 })).toBe(1);
    await release(gate);
    const all = await ask({ names: ['door', 'gate', 'attic'] });
    expect(all.kind === 'held' && all.holds.map(({ name }) => name)).toEqual(['attic', 'door', 'gate']);
  });

  it('are no deadlock in any order of their names', async () => {
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'c', 'a'],
      ['c', 'a', 'b'],
    ];
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all([...orders, ...orders].map((names) => ask({ names })));
      const winners = answers.filter((answer) => answer.kind === 'held');
      expect(winners).toHaveLength(1);
      for (const each of winners[0]?.holds ?? []) await release(each);
    }
  });

  it('of which one is waited for keep the others in line', async () => {
    const gate = await hold({ names: ['gate'] });
    const both = { names: ['door', 'gate'], holder: 'both', waiting: WAITS };
    expect((await ask(both)).kind).toBe('waits');
    expect(await ask({ names: ['door'] })).toEqual({ kind: 'taken' });
    await release(gate);
    expect((await ask(both)).kind).toBe('held');
  });
});

it('is not decided while a transaction that has tried it is open', async () => {
  const open = await openTransaction(async (pause) =>
    db.transaction().execute(async (tx) => {
      await ask({}, tx);
      await pause();
    }),
  );
  const { rows } = await sql`
    select from pg_locks l join pg_database d on d.oid = l.database
     where d.datname = current_database() and l.locktype = 'advisory' and l.classid = ${NAMED_LOCK}`.execute(
    db,
  );
  expect(rows).toHaveLength(1);
  expect(await ask()).toEqual({ kind: 'undecided' });
  expect((await ask({ names: ['gate'] })).kind).toBe('held');
  await open.letGo();
  expect(await ask()).toEqual({ kind: 'taken' });
});

it('stays with a holder whose renewal, made in time, is committed after the lease would have ended', async () => {
  const first = await hold();
  await expire(first);
  const open = await openTransaction(async (pause) =>
    db.transaction().execute(async (tx) => {
      // As renewHold() does, which saw the lease while it lasted.
      await tx
        .updateTable('lock_hold')
        .set({ expires_at: sql<Date>`clock_timestamp() + interval '1 hour'` })
        .where('tenant_id', '=', locks.tenantId)
        .where('token', '=', first.token)
        .execute();
      await pause();
    }),
  );
  let isDone = false;
  const asking = ask().finally(() => (isDone = true));
  await until('the other waits for the renewal, or gave up', async () => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'`.execute(
      db,
    );
    return rows.length > 0 || isDone;
  });
  await open.letGo();
  expect(['taken', 'undecided']).toContain((await asking).kind);
  expect(await ask()).toEqual({ kind: 'taken' });
});

it('is refused in a transaction whose statements do not see the latest rows', async () => {
  const trying = db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((tx) => ask({}, tx));
  await expect(trying).rejects.toThrow('expected a transaction that is READ COMMITTED, got REPEATABLE READ');
});

it('forgets what has ended a minute ago', async () => {
  const kept = await hold({ names: ['kept'] });
  const over = await hold({ names: ['over'] });
  const long = sql<Date>`clock_timestamp() - interval '61 s'`;
  await db.updateTable('lock_hold').set({ expires_at: long }).where('token', '=', over.token).execute();
  await ask({ names: ['kept'], holder: 'waiter', waiting: WAITS });
  await db.updateTable('lock_wait').set({ until: long }).where('tenant_id', '=', locks.tenantId).execute();
  expect(await clearEnded(db, { limit: 100 })).toBe(2);
  expect(
    await findHolds(db, { tenantId: locks.tenantId, names: ['kept', 'over'], limitEach: 5 }),
  ).toMatchObject([kept]);
});
