// Is the holder of an old snapshot named, while it is held and with nothing of what it asked for?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { listEvents } from '#cluster/cluster-event.repository.js';
import { HorizonLoop } from '#cluster/horizon/horizon-loop.js';
import { SLEEP_MS } from '#kernel/loop.js';
import { FakeClock } from '../../support/fake-clock.js';
import { openClient } from '../../support/rows.js';
import { startLoneMember, startMember } from '../../support/test-member.js';
import { useTestDatabase } from '#test/support/test-database.js';

const WARN_AFTER_MS = 1;
const SECRET = 'a-secret-of-the-query';

const database = useTestDatabase();
const { db } = database;

it('a held snapshot is told with who holds it, once, and again when it is gone', async () => {
  const member = await startLoneMember(database.url);
  const horizon = new HorizonLoop(member.leadership, new FakeClock(), WARN_AFTER_MS);
  const told = async () =>
    (await listEvents(db, { before: null, limit: 100 })).filter(({ type }) => type.startsWith('horizon-'));

  const holder = await openClient(database.url);
  await holder.query("set application_name = 'nightly-report'");
  await holder.query('begin isolation level repeatable read');
  await holder.query(`select '${SECRET}'`);
  const { rows } = await holder.query<{ pid: number; user: string }>(
    'select pg_backend_pid() as pid, current_user as user',
  );
  await horizon.runOnce();
  await horizon.runOnce();
  const [held, ...others] = await told();
  expect(others).toEqual([]);
  expect(held).toMatchObject({
    type: 'horizon-held',
    term: 1,
    data: {
      kind: 'session',
      pid: rows[0]?.pid,
      user: rows[0]?.user,
      application: 'nightly-report',
      state: 'idle in transaction',
      queryStartedAt: expect.stringMatching(/^\d{4}-/),
      ageMs: expect.any(Number),
    },
  });
  expect(JSON.stringify(held)).not.toContain(SECRET);

  await holder.query('commit');
  await horizon.runOnce();
  expect((await told()).map(({ type }) => type)).toEqual(['horizon-released', 'horizon-held']);
});

it('a slot that holds nothing back is not told', async () => {
  const member = await startLoneMember(database.url);
  const clock = new FakeClock();
  const horizon = new HorizonLoop(member.leadership, clock, 20_000);
  const held: unknown[] = [];
  horizon.held.subscribe((holder) => held.push(holder));
  // Only a standby's feedback gives a slot an xmin, so one that can't have any is not told.
  await sql`select pg_create_physical_replication_slot('forgotten')`.execute(db);
  try {
    expect(await horizon.runOnce()).toBe(10_000);
    clock.advance(20_000);
    await horizon.runOnce();
    expect(held).toEqual([]);
  } finally {
    await sql`select pg_drop_replication_slot('forgotten')`.execute(db);
  }
});

it('only the leader looks, and nobody when it is switched off', async () => {
  const follower = await startMember(database.url);
  expect(await new HorizonLoop(follower.leadership, new FakeClock(), 1_000).runOnce()).toBe(SLEEP_MS);
  await follower.lead();
  expect(await new HorizonLoop(follower.leadership, new FakeClock(), 0).runOnce()).toBe(SLEEP_MS);
  expect(await new HorizonLoop(follower.leadership, new FakeClock(), 1_000).runOnce()).toBe(500);
});
