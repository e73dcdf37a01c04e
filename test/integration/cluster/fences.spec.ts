// Do the fences hold when the process they stop does not know yet? Each test lets a stale actor go as far
// as it can and looks at what the database kept.
import { describe, expect, it } from 'vitest';
import { asReplica, holdGateAlone } from '#cluster/membership/replica-gate.js';
import { markDead, moveOnTo } from '#cluster/membership/replica.repository.js';
import { insertEvent, listEvents } from '#cluster/cluster-event.repository.js';
import { inTerm } from '#cluster/leadership/term-fence.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { asId } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';
import { openClient, openDatabase } from '../../support/rows.js';
import { startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

describe('the term fence', () => {
  it('I3: a deposed leader writes nothing', async () => {
    const [old, next] = [await startMember(database.url), await startMember(database.url)];
    const deposed = await old.lead();
    await endSession(deposed.incarnation.replica);
    await until('the old leader knows that its session broke', () => old.leadership.current() === null);
    await next.lead();
    const stale = await inTerm(db, { term: deposed.term, holder: deposed.incarnation.uuid }, (tx) =>
      insertEvent(tx, { type: 'slots-moved' }),
    );
    expect(stale).toEqual({ kind: 'fenced' });
    expect(
      (await listEvents(db, { before: null, limit: 50 })).filter((event) => event.type === 'slots-moved'),
    ).toEqual([]);
  });

  it('I3: a new term waits for a write of the old one that has begun, and the next write is fenced', async () => {
    const [old, next] = [await startMember(database.url), await startMember(database.url)];
    const deposed = await old.lead();
    const holder = { term: deposed.term, holder: deposed.incarnation.uuid };
    const watcher = await openClient(database.url);
    let finish = (): void => undefined;
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    let begun = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const write = inTerm(db, holder, async (tx) => {
      await insertEvent(tx, { type: 'slots-moved', term: deposed.term });
      begun();
      await mayFinish;
    });
    await hasBegun;
    await endSession(deposed.incarnation.replica);
    const election = until('the next leader has its term', async () => {
      await next.election.runOnce().catch(() => undefined);
      return next.leadership.current();
    });
    await until('the new term waits for the row', async () => (await watcher.query(waiting)).rowCount === 1);
    finish();
    expect((await write).kind).toBe('done');
    expect((await election).term).toBe(deposed.term + 1);
    expect(await inTerm(db, holder, (tx) => insertEvent(tx, { type: 'slots-moved' }))).toEqual({
      kind: 'fenced',
    });
  });

  it('I3: the same term held by another incarnation is fenced, as after a failover that lost a term', async () => {
    const leader = await (await startMember(database.url)).lead();
    const other = { term: leader.term, holder: '00000000-0000-4000-8000-000000000000' };
    expect(await inTerm(db, other, async () => 'written')).toEqual({ kind: 'fenced' });
  });

  it('stands down when nobody knows whether its write was committed', async () => {
    const member = await startMember(database.url);
    const leader = await member.lead();
    const client = await openClient(database.url);
    const write = member.leadership.write(leader, async (tx) => {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and application_name = $1 and state like 'idle in transaction%'`,
        [`carillon:${leader.incarnation.replica}`],
      );
      await client.query('select pg_terminate_backend($1, 1000)', [rows[0]?.pid]);
      await insertEvent(tx, { type: 'slots-moved' });
    });
    await expect(write).rejects.toSatisfy((error) => databaseErrorKind(error) === 'unknown');
    expect(member.leadership.current()).toBeNull();
  });
});

describe('the replica gate', () => {
  it('I4: a replica declared dead writes nothing through its gate', async () => {
    const member = await startMember(database.url);
    await markDead(db, { replica: member.self().replica, term: asId.term(1), reason: 'crashed' });
    expect(await asReplica(db, member.self(), async () => 'written')).toEqual({ kind: 'fenced' });
  });

  it('I4: declaring a replica dead waits for its write in flight', async () => {
    const member = await startMember(database.url);
    const [judge, watcher] = [openDatabase(database.url), await openClient(database.url)];
    const { replica } = member.self();
    const order: string[] = [];
    const burial = { begun: undefined as Promise<unknown> | undefined };
    await asReplica(db, member.self(), async (tx) => {
      burial.begun = judge.transaction().execute(async (other) => {
        await holdGateAlone(other, replica);
        order.push('gate held alone');
        await markDead(other, { replica, term: asId.term(1), reason: 'hung' });
      });
      await until('the judge waits for the gate', async () => (await watcher.query(waiting)).rowCount === 1);
      await insertEvent(tx, { type: 'replica-joined', replica });
      order.push('written');
    });
    await burial.begun;
    expect(order).toEqual(['written', 'gate held alone']);
    expect((await asReplica(db, member.self(), async () => 'written')).kind).toBe('fenced');
  });

  it('I4: holds under a database whose default is repeatable read', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await (
      await openClient(database.url)
    ).query(`alter database ${name} set default_transaction_isolation = 'repeatable read'`);
    const member = await startMember(database.url);
    const [judge, watcher] = [openDatabase(database.url), await openClient(database.url)];
    let late: Promise<unknown> | undefined;
    await judge.transaction().execute(async (tx) => {
      await holdGateAlone(tx, member.self().replica);
      late = asReplica(db, member.self(), async () => 'written');
      await until(
        'the replica waits for its gate',
        async () => (await watcher.query(waiting)).rowCount === 1,
      );
      await markDead(tx, { replica: member.self().replica, term: asId.term(1), reason: 'hung' });
    });
    expect(await late).toEqual({ kind: 'fenced' });
  });

  it('lets a draining replica finish, and none that has left', async () => {
    const member = await startMember(database.url);
    await moveOnTo(db, member.self().replica, 'draining');
    expect((await asReplica(db, member.self(), async () => 'written')).kind).toBe('done');
    await moveOnTo(db, member.self().replica, 'left');
    expect((await asReplica(db, member.self(), async () => 'written')).kind).toBe('fenced');
  });
});

/** Ends the control session, and with it the locks, but not the pool's sessions, which have the same name. */
async function endSession(replica: number): Promise<void> {
  const client = await openClient(database.url);
  await client.query(
    `select pg_terminate_backend(a.pid, 1000) from pg_locks l join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and l.objid = $1::int::oid and a.datname = current_database() and a.application_name = 'carillon:' || $1::int`,
    [replica],
  );
}
