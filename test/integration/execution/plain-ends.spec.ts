// Does the message that settles plain ends do what the transaction would have done, and does it see what was decided while
// it waited for the gate or for a claim?
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { passGate, type ReplicaHolder } from '#cluster/membership/replica-gate.js';
import { REPLICA_GATE } from '#database/advisory-locks.js';
import type { Database, Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { RunTransition } from '#execution/runs/decisions/run-transition.js';
import { isPlain, settlePlainly } from '#execution/settling/plain-ends.js';
import { settleEnds } from '#execution/settling/plain-ends.repository.js';
import { settle, type Ending, type SettlementBatch } from '#execution/settling/settlement.js';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '../../support/builders.js';
import { openClient } from '../../support/rows.js';
import { useLoneMember, type TestMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const scene = useLoneMember();
const { db, member, tenant } = scene;
const at = (ms: number) => new Date(Date.parse('2026-11-21T08:00:00.000Z') + ms);

const TRANSITIONS: readonly RunTransition[] = [
  { kind: 'finish', outcome: 'succeeded' },
  { kind: 'finish', outcome: 'failed', error: { name: 'Error', message: 'no luck' } },
  { kind: 'finish', outcome: 'dead-lettered', error: { name: 'Error', message: 'at last' } },
  { kind: 'finish', outcome: 'cancelled', error: { name: 'AttemptStopped', message: 'unwanted' } },
] as RunTransition[];

const end = fc.record({
  claim: fc.nat({ max: 2 }),
  transition: fc.constantFrom(...TRANSITIONS),
  outputJson: fc.constantFrom(null, 'null', '{"n":1}', '"a, \\"b\\" {c}"'),
  /** Else it is gone, or in its next attempt. */
  row: fc.constantFrom('there', 'there', 'there', 'gone', 'ahead'),
  key: fc.constantFrom(null, null, 'k', 'overlap/strict/k'),
  fire: fc.constantFrom(null, 'planned', 'planned', 'skipped'),
  jitterMs: fc.constantFrom(null, 700),
  startedMs: fc.integer({ min: 0, max: 3_000 }),
  tookMs: fc.integer({ min: 0, max: 100 }),
});
const group = fc.record({
  ends: fc.array(end, { maxLength: 8 }),
  /** Which of the three claims are there, and which hold nothing else. */
  there: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(true, true, true, true, false))),
  finished: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  attempt: fc.constantFrom(1, 1, 3),
  isDead: fc.constantFrom(false, false, false, false, true),
});
type Group = typeof group extends fc.Arbitrary<infer Value> ? Value : never;

/** The rows of the group, in the transaction, and what is to be settled of them. */
async function drawn(tx: Tx, { ends, there, finished, attempt, isDead }: Group): Promise<SettlementBatch> {
  const { replica } = member.self();
  const claims = there.map(() => asId.claim(randomUUID()));
  const endings = ends.map((drawnEnd, n): Ending => {
    const { claim, transition, outputJson, fire, startedMs, tookMs, key: concurrencyKey } = drawnEnd;
    const ids = { id: asId.run(randomUUIDv7()), claimId: claims[claim] ?? asId.claim(randomUUID()) };
    const due = fire === null ? {} : { scheduleId: asId.schedule(randomUUID()), dueAt: at(n * 86_400_000) };
    const startedAt = at((fire === null ? 0 : n * 86_400_000) + startedMs);
    const finishedAt = new Date(startedAt.getTime() + tookMs);
    const run = claimedRun({
      ...ids,
      ...due,
      tenantId: tenant.id,
      slot: tenant.slot,
      attempt,
      concurrencyKey,
    });
    return { run, startedAt, finishedAt, transition, outputJson, lastNote: null };
  });
  for (const [n, { run }] of endings.entries()) {
    const { row, fire, jitterMs } = ends[n] ?? { row: 'gone', fire: null, jitterMs: null };
    if (row !== 'gone')
      await sql`
        insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, payload, run_at, attempt, schedule_id, due_at, tags, progress)
        values (${run.id}, ${run.tenantId}, ${run.slot}, 'noop', 'default', ${run.concurrencyKey}, '{"n": 1}', ${at(0)},
                ${row === 'ahead' ? run.attempt + 1 : run.attempt}, ${run.scheduleId}, ${run.dueAt}, array['t'], '1')`.execute(
        tx,
      );
    if (run.scheduleId !== null)
      await sql`
        insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term, jitter_ms)
        values (${run.scheduleId}, ${run.dueAt}, ${run.tenantId}, ${fire}, ${run.id}, 1, ${jitterMs})`.execute(
        tx,
      );
  }
  for (const [n, id] of claims.entries())
    if (there[n] === true)
      await sql`
        insert into carillon.claim (id, replica, run_ids)
        values (${id}, ${replica}, ${endings.filter(({ run }) => run.claimId === id).map(({ run }) => run.id)}::uuid[])`.execute(
        tx,
      );
  if (isDead) await sql`update carillon.replica set state = 'dead' where number = ${replica}`.execute(tx);
  const starts = endings.flatMap(({ run: { claimId, scheduleId, dueAt }, startedAt }) =>
    scheduleId === null || dueAt === null || startedAt === null
      ? []
      : [{ claimId, scheduleId, dueAt, startedAt }],
  );
  const used = new Set(endings.map(({ run }) => run.claimId));
  const finishedClaims = claims.filter((id, n) => finished[n] === true && used.has(id));
  return { replica, starts, endings, finishedClaims, uncertain: new Set() };
}

async function inTransaction(tx: Tx, self: ReplicaHolder, batch: SettlementBatch) {
  if (!(await passGate(tx, self))) return { kind: 'fenced' };
  return { kind: 'done', value: await settle(tx, batch) };
}

const TABLES = ['run', 'run_history', 'fire', 'claim'];
const rowsOf = async (tx: Tx) =>
  Promise.all(
    TABLES.map((table) =>
      sql`select to_jsonb(t) as row from ${sql.table(`carillon.${table}`)} t order by to_jsonb(t)::text`.execute(
        tx,
      ),
    ),
  ).then((results) => results.map(({ rows }) => rows));

class Undone extends Error {}

/** What the act has answered, and the rows afterwards; then all is as it was. */
async function undone(tx: Tx, act: () => Promise<unknown>): Promise<unknown> {
  await sql`savepoint before`.execute(tx);
  const seen = { answer: await act(), rows: await rowsOf(tx) };
  await sql`rollback to savepoint before`.execute(tx);
  return seen;
}

describe('plain ends', () => {
  it('leave the rows that the transaction leaves', async () => {
    const kinds = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(group, async (wanted) => {
        const self = member.self();
        await db
          .transaction()
          .setIsolationLevel('read committed')
          .execute(async (tx) => {
            const batch = await drawn(tx, wanted);
            expect(isPlain(batch)).toBe(true);
            const plainly = await undone(tx, async () => {
              // Its own expulsion would end this test's member.
              const alone = { acceptDeath: () => undefined } as unknown as TestMember['membership'];
              const answer = await settlePlainly(alone, { ...self, db: tx }, batch);
              kinds.set(answer.kind, (kinds.get(answer.kind) ?? 0) + 1);
              return answer.kind === 'not-plain' ? inTransaction(tx, self, batch) : answer;
            });
            expect(plainly).toEqual(await undone(tx, () => inTransaction(tx, self, batch)));
            throw new Undone();
          })
          .catch((error: unknown) => {
            if (!(error instanceof Undone)) throw error;
          });
      }),
      { numRuns: 300 },
    );
    expect([...kinds.keys()].toSorted()).toEqual(['done', 'fenced', 'not-plain']);
  });
});

/** Nothing but a claim, which holds nothing. */
async function lone(claimId = asId.claim(randomUUID())) {
  await sql`insert into carillon.claim (id, replica, run_ids) values (${claimId}, ${member.self().replica}, '{}')`.execute(
    db,
  );
  return {
    claimIds: [claimId],
    finishedClaims: [claimId],
    fires: [],
    lateAfterMs: 1_000,
    attempt: 1,
    runs: [],
  };
}

async function waits(): Promise<void> {
  await until('it waits for a lock', async () => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%settle_ends%' and pid <> pg_backend_pid()`.execute(
      db,
    );
    return rows.length > 0;
  });
}

describe('the message', () => {
  const settleOne = (on: Database, ends: Parameters<typeof settleEnds>[2]) =>
    settleEnds(on, member.self(), ends);

  it('I4: finds its replica dead that was declared so while it waited for the gate', async () => {
    const { replica } = member.self();
    const ends = await lone();
    const leader = await openClient(scene.url);
    await leader.query('begin');
    await leader.query('select pg_advisory_xact_lock($1, $2)', [REPLICA_GATE, replica]);
    const answer = settleOne(member.self().db, ends);
    await waits();
    await leader.query(`update carillon.replica set state = 'dead' where number = $1`, [replica]);
    await leader.query('commit');
    expect(await answer).toMatchObject({ verdict: 'fenced' });
    await leader.query(`update carillon.replica set state = 'active' where number = $1`, [replica]);
    expect(await settleOne(member.self().db, ends)).toMatchObject({ verdict: 'done' });
  });

  it('I4: keeps a death waiting until it is over', async () => {
    const { replica } = member.self();
    const ends = await lone();
    const [revoker, leader] = [await openClient(scene.url), await openClient(scene.url)];
    await revoker.query('begin');
    await revoker.query('select from carillon.claim where id = $1 for update', ends.claimIds);
    const answer = settleOne(member.self().db, ends);
    await waits();
    const { rows } = await leader.query<{ free: boolean }>(
      'select pg_try_advisory_xact_lock($1, $2) as free',
      [REPLICA_GATE, replica],
    );
    expect(rows).toEqual([{ free: false }]);
    await revoker.query('commit');
    expect(await answer).toMatchObject({ verdict: 'done' });
  });

  it('I2: finds a claim gone that was revoked while it waited for it', async () => {
    const ends = await lone();
    const revoker = await openClient(scene.url);
    await revoker.query('begin');
    await revoker.query('delete from carillon.claim where id = $1', ends.claimIds);
    const answer = settleOne(member.self().db, ends);
    await waits();
    await revoker.query('commit');
    expect(await answer).toMatchObject({ verdict: 'claim-lost' });
  });

  it('is refused where its statements would all see one instant', async () => {
    const ends = await lone();
    const repeatable = db.transaction().setIsolationLevel('repeatable read');
    await expect(repeatable.execute((tx) => settleOne(tx, ends))).rejects.toThrow(
      'expected a transaction that is read committed, got repeatable read',
    );
  });

  it('is the transaction where a session is no more read committed, as long as that lasts', async () => {
    const claimId = asId.claim(randomUUID());
    await lone(claimId);
    const starts = [
      { claimId, scheduleId: asId.schedule(randomUUID()), dueAt: new Date(0), startedAt: new Date(0) },
    ];
    const batch = { starts, endings: [], finishedClaims: [claimId], uncertain: new Set<never>() };
    const answer = await db.connection().execute(async (one) => {
      await sql`set default_transaction_isolation = 'repeatable read'`.execute(one);
      const found = await settlePlainly(member.membership, { ...member.self(), db: one }, batch);
      await sql`reset default_transaction_isolation`.execute(one);
      return found;
    });
    expect(answer).toEqual({ kind: 'not-plain' });
  });
});
