// Is each due time that is decided found by its whole key, and nothing else of the ledger read, however large the server
// takes the ledger to be? Schedules of one second have thousands of open due times when ends come late. A plan that reads
// what lies between the first and the last due time of a batch compares each row of that with each of the batch: two
// thousand starts took two minutes then, were cancelled by the statement timeout, and held up the ends of every tenant.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import * as endings from '#execution/run-actions/run-ending.repository.js';
import { settleEnds } from '#execution/settling/plain-ends.repository.js';
import * as settlements from '#execution/settling/settlement.repository.js';
import * as revocations from '#execution/takeover/revocation.repository.js';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import * as suspendedRuns from '#scheduling/suspending/suspended-run.repository.js';
import { explained, nodesOf, type Explained, type PlanNode } from '../../support/explained.js';
import { rowsRead } from '../../support/rows-read.js';
import { useTestDatabase } from '../../support/test-database.js';

const SCHEDULES = 200;
const SECONDS = 500;
const FILLING_MS = 600_000;

const ids = Array.from({ length: SCHEDULES }, () => asId.schedule(randomUUIDv7()));
const runs = Array.from({ length: SCHEDULES }, () => asId.run(randomUUIDv7()));
const at = (second: number) => new Date(1_763_700_000_000 + second * 1_000);
/** The newest due time of each, and one that comes very late. */
const keys = ids.map((scheduleId, n) => ({ scheduleId, dueAt: at(n === 0 ? 1 : SECONDS) }));
const starts = keys.map((key) => ({ ...key, startedAt: at(SECONDS + 1) }));

async function settleInMessage(tx: Tx): Promise<void> {
  const uuid = randomUUID();
  const { rows } = await sql<{ number: ReplicaNumber }>`
    insert into carillon.replica (incarnation, name, host, pid, version, roles)
    values (${uuid}, 'a', 'here', 1, '0', '{}') returning number`.execute(tx);
  const replica = rows[0]?.number ?? asId.replica(0);
  const ends = { claimIds: [], finishedClaims: [], attempt: 1, runs: [], lateAfterMs: 1_000 };
  expect((await settleEnds(tx, { replica, uuid }, { ...ends, fires: starts })).verdict).toBe('done');
}

const statements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'started fires': (tx) => settlements.decideFires(tx, { fires: starts, lateAfterMs: 1_000 }),
  'a lone start': (tx) => settlements.decideFires(tx, { fires: starts.slice(0, 1), lateAfterMs: 1_000 }),
  'unstarted fires': (tx) =>
    settlements.closeFires(
      tx,
      keys.map((key) => ({ ...key, outcome: 'skipped', reason: 'cancelled' })),
    ),
  'what ends': (tx) => endings.endUnclaimed(tx, runs),
  'dead letters': (tx) => revocations.deadLetter(tx, { replica: asId.replica(1), runIds: runs, error: {} }),
  'skipped of the suspended': (tx) =>
    suspendedRuns.skipPlanned(tx, { tenantId: asId.tenant(randomUUIDv7()), ids: runs }),
};

const database = useTestDatabase({
  per: 'file',
  maxConnections: 1,
  statementTimeoutMs: FILLING_MS,
  walksIndexes: true,
  prepares: true,
});
const { db } = database;

beforeAll(async () => {
  await sql`alter table carillon.fire_default set (autovacuum_enabled = off)`.execute(db);
});

async function fill(): Promise<void> {
  await sql`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term)
    select id, ${at(0)}::timestamptz + second * interval '1 s', id, 'planned', 1
      from generate_series(1, ${SECONDS}::int) second cross join unnest(${ids}::uuid[]) id`.execute(db);
}

async function pretend(rows: number): Promise<void> {
  await sql`delete from pg_statistic where starelid = 'carillon.fire_default'::regclass`.execute(db);
  await sql`update pg_class set reltuples = ${rows}, relallvisible = 0 where oid = 'carillon.fire_default'::regclass`.execute(
    db,
  );
}

/** In this order: the first one sees it empty. */
const KNOWN: Record<string, () => Promise<unknown>> = {
  'empty, and never analysed': async () => undefined,
  'filled since it was analysed': async () => {
    await sql`analyze carillon.fire_default`.execute(db);
    await fill();
  },
  'full, and never analysed': () => pretend(-1),
  analysed: () => sql`analyze carillon.fire_default`.execute(db),
  'known to be drained': () => pretend(50),
};

/** Scans of the ledger that are not led to one row by what comes with each due time. */
function unledScans({ mode, plan }: Explained): string[] {
  return nodesOf(plan)
    .filter(
      (node) => node['Relation Name']?.startsWith('fire') === true && node['Node Type'].includes('Scan'),
    )
    .map((node) => node['Index Cond'] ?? node['Node Type'])
    .filter(
      (cond) =>
        !/schedule_id = \(?\w+\.schedule_id.*due_at = \(?\w+\.due_at/.test(cond) || cond.includes('ANY'),
    )
    .map((cond) => `${mode}: ${cond.slice(0, 100)}`);
}

describe.each(Object.keys(KNOWN))('on a ledger that is %s', (known) => {
  beforeAll(async () => void (await KNOWN[known]?.()), FILLING_MS);

  it.each(Object.keys(statements))('%s are found by their keys alone', async (name) => {
    const plans = await explained({ url: database.url, walksIndexes: true }, (tx) =>
      (statements[name] ?? (() => Promise.reject(new Error(name))))(tx as Tx),
    );
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.flatMap(unledScans)).toEqual([]);
  });
});

/** Rows of the ledger that this transaction has read, and those before it in the session that are not reported yet. */
it.each(['started fires', 'unstarted fires', 'started fires of a message'])(
  '%s read no more rows of the ledger than they decide',
  async (name) => {
    await db.transaction().execute(async (tx) => {
      const read = await rowsRead(tx, '^fire', () => (statements[name] ?? settleInMessage)(tx));
      expect(read).toBe(SCHEDULES);
      await sql`update carillon.fire set outcome = 'planned'`.execute(tx);
    });
  },
);

it('days that have none of the fires are not opened', async () => {
  await sql`create table carillon.fire_long_ago partition of carillon.fire for values from ('2020-01-01Z') to ('2020-01-02Z')`.execute(
    db,
  );
  const plans = await explained({ url: database.url, walksIndexes: true }, async (tx) =>
    statements['started fires']?.(tx as Tx),
  );
  const leftOut = (plan: PlanNode): number[] =>
    nodesOf(plan).flatMap((node) => node['Subplans Removed'] ?? []);
  expect(plans.filter(({ mode }) => mode === 'generic').flatMap(({ plan }) => leftOut(plan))).toEqual([1]);
});
