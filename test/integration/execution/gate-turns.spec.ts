// Is an owner's gate held alone by one request at a time, and never while that one waits for what a tenant has locked?
// The owner's claims, for all of its tenants, queue behind each transaction that waits for the gate or holds it alone.
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import { asReplica } from '#cluster/membership/replica-gate.js';
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { cancelRuns, endOverdue } from '#execution/run-actions/run-ending.js';
import { enqueueRuns } from '#execution/intake/enqueue.js';
import { asId } from '#kernel/ids.js';
import { openTransaction } from '../../support/open-transaction.js';
import { addRuns, newRunOf } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const { db, member, tenant } = useLoneMember();
const lost = asId.run('00000000-0000-7000-8000-000000000000');
const cancel = (ids: Awaited<ReturnType<typeof addRuns>>) =>
  cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids });

/** Holds the rows of these runs, as a request to try others again may, until it is told to let go. */
const locked = (ids: readonly string[]) =>
  openTransaction((pause) =>
    db.transaction().execute(async (tx) => {
      await sql`select 1 from carillon.run where id = any(${[...ids]}::uuid[]) for update`.execute(tx);
      await pause();
    }),
  );

async function atTheGate(): Promise<{ granted: boolean }[]> {
  const { rows } = await sql<{ granted: boolean }>`
    select granted from pg_locks
     where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and classid = ${REPLICA_GATE} and mode = 'ExclusiveLock'`.execute(
    db,
  );
  return rows;
}

async function waitingForRows(): Promise<number> {
  const { rows } = await sql`
    select 1 from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and wait_event in ('transactionid', 'tuple')`.execute(
    db,
  );
  return rows.length;
}

describe('the gate of an owner', () => {
  it('is open while a cancel waits for a run that another request has locked', async () => {
    const [held = lost, free = lost] = await addRuns(db, tenant, 2);
    const { letGo } = await locked([held]);
    const cancelling = cancel([held, free]);
    await until('the cancel waits for the run', async () => (await waitingForRows()) > 0);
    expect(await atTheGate()).toEqual([]);
    const self = member.self();
    expect(await asReplica(self.db, self, () => Promise.resolve('passed'))).toEqual({
      kind: 'done',
      value: 'passed',
    });
    await letGo();
    expect(await cancelling).toEqual({ ended: [free], requested: [held] });
  });

  it('is not waited for by an end of what another request has locked: the next look finds it', async () => {
    const [held = lost, free = lost] = await addRuns(db, tenant, 2, {
      deadline: new Date(Date.now() - 60_000),
    });
    const { letGo } = await locked([held]);
    const overdue = [held, free].map((id) => ({ id, slot: tenant.slot }));
    expect(await endOverdue(db, overdue)).toEqual([free]);
    await letGo();
    expect(await endOverdue(db, overdue)).toEqual([held]);
  });

  it('has one request before it at a time, and the others wait where no claim waits for them', async () => {
    const self = member.self();
    const claiming = await openTransaction((pause) => asReplica(self.db, self, pause));
    const wait = { waitMs: 600_000 };
    const closing = [1, 2].map((one) => withClaimsHeldOff(db, tenant.slot, wait, () => Promise.resolve(one)));
    await until('both wait', async () => {
      const { rows } = await sql`
        select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and not granted`.execute(
        db,
      );
      return rows.length === closing.length;
    });
    expect(await atTheGate()).toEqual([{ granted: false }]);
    await claiming.letGo();
    expect(await Promise.all(closing)).toEqual([1, 2]);
  });

  it('is closed for one statement by a batch that replaces many runs, of which the last of each key counts', async () => {
    const unique = (key: string) => ({ key, windowMs: null, onConflict: 'replace' as const });
    const keys = ['a', 'b', 'c'];
    const room = 1_000;
    const first = await enqueueRuns(
      db,
      keys.map((key) => ({ run: newRunOf(tenant), unique: unique(key) })),
      { room },
    );
    const again = await enqueueRuns(
      db,
      [...keys, 'a'].map((key, place) => ({
        run: newRunOf(tenant, { priority: place + 1 }),
        unique: unique(key),
      })),
      { room },
    );
    expect(again.map(({ kind }) => kind)).toEqual(['replaced', 'replaced', 'replaced', 'replaced']);
    const [a, b, c] = first.map((one) => ('id' in one ? one.id : lost));
    const { rows } = await sql<{ id: string; priority: number }>`
      select id, priority from carillon.run where id = any(${[a, b, c]}::uuid[]) order by priority`.execute(
      db,
    );
    expect(rows).toEqual([
      { id: b, priority: 2 },
      { id: c, priority: 3 },
      { id: a, priority: 4 },
    ]);
  });
});
