// What becomes of due times that were planned before an outage in which they passed? The same as of those that were not
// planned: the schedule's policy decides about all of them together. An outage is played by setting the last beat back, and
// what was planned by writing its rows; the first beat after it, claims and plans are the product's.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { createSchedule } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();

const AGO = [3_600, 1_800, 600, 300] as const;
const LATEST: CatchUp = { mode: 'latest', withinSeconds: 86_400 };

interface Wish {
  catchUp?: CatchUp;
  /** How long ago it was due, in seconds. */
  ago?: readonly number[];
  /** How many of these were planned, from the first on. */
  planned?: number;
}

/** Past instants can't be asked for, so they are written over those of the request. */
async function schedule(name: string, wish: Wish = {}): Promise<void> {
  const { catchUp = LATEST, ago = AGO, planned = ago.length } = wish;
  const spec = { kind: 'at' as const, at: new Date(Date.now() + 86_400_000) };
  await createSchedule(db, tenant, { name, jobType: 'noop', payload: {}, by: 'test', spec, catchUp });
  const { rows } = await sql<{ at: Date }>`
    select date_trunc('milliseconds', now()) - unnest(${[...ago]}::float8[]) * interval '1 s' as at`.execute(
    db,
  );
  const instants = rows.map(({ at }) => at);
  const stored = JSON.stringify({ kind: 'instants', instants });
  await sql`
    update carillon.schedule set spec = ${stored}::jsonb, spec_since = null, next_due_at = ${instants[planned] ?? null}
     where name = ${name}`.execute(db);
  await sql`
    with decided as (
      insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term)
      select s.id, due_at, s.tenant_id, 'planned', gen_random_uuid(), 1
        from carillon.schedule s cross join unnest(${instants.slice(0, planned)}::timestamptz[]) as due_at
       where s.name = ${name}
      returning *)
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at)
    select d.run_id, d.tenant_id, s.slot, s.job_type, s.id, d.due_at, '{}', d.due_at
      from decided d join carillon.schedule s on s.id = d.schedule_id`.execute(db);
}

/** All replicas were away for so long; the first one beats again. */
async function endOutage(seconds = 7_200): Promise<void> {
  await sql`update carillon.heartbeat set beat_at = beat_at - ${seconds} * interval '1 s'`.execute(db);
  await member.membership.beat();
}

async function runAll(): Promise<void> {
  await plannerOf(member).runOnce();
  await decideThePast(db, member);
  const owner = await startOwner(member);
  await owner.claimAll();
  await owner.finish();
}

/** From the oldest due time on. */
async function ledger(name: string): Promise<string[]> {
  const { rows } = await sql<{ said: string }>`
    select case when f.outcome = 'late' then 'ran' else f.outcome || ', ' || f.reason end as said
      from carillon.fire f join carillon.schedule s on s.id = f.schedule_id
     where s.name = ${name} order by f.due_at`.execute(db);
  return rows.map(({ said }) => said);
}

async function count(table: 'run' | 'run_history' | 'claim' | 'outage'): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.table(`carillon.${table}`)}`.execute(db);
  return rows[0]?.count ?? -1;
}

const missed = (reason: string) => `missed, ${reason}`;
const coalesced = 'coalesced, outage';

describe('of what passed in an outage, planned or not,', () => {
  it.each<[string, CatchUp, string[]]>([
    ['nothing runs with mode none', { mode: 'none' }, Array<string>(4).fill(missed('no catch-up'))],
    ['the latest runs with mode latest', LATEST, [coalesced, coalesced, coalesced, 'ran']],
    [
      'nothing runs that is older than the window',
      { mode: 'latest', withinSeconds: 200 },
      Array<string>(4).fill(missed('catch-up window')),
    ],
    [
      'so many run at most',
      { mode: 'all', withinSeconds: 86_400, max: 2 },
      [missed('catch-up limit'), missed('catch-up limit'), 'ran', 'ran'],
    ],
    [
      'all run that are young enough',
      { mode: 'all', withinSeconds: 900, max: 9 },
      [missed('catch-up window'), missed('catch-up window'), 'ran', 'ran'],
    ],
  ])('%s', async (_, catchUp, said) => {
    const all = [0, 1, 2, 3, 4];
    for (const planned of all) await schedule(`planned-${planned}`, { catchUp, planned });
    await endOutage();
    await runAll();
    for (const planned of all) expect(await ledger(`planned-${planned}`)).toEqual(said);
    expect([await count('run'), await count('claim')]).toEqual([0, 0]);
    expect(await count('run_history')).toBe(all.length * said.filter((each) => each === 'ran').length);
  });

  it('a later one that is only late stands for all before it', async () => {
    await schedule('job', { ago: [600, 300, 5] });
    await endOutage();
    await runAll();
    expect(await ledger('job')).toEqual([coalesced, coalesced, 'ran']);
  });
});

const NONE = { catchUp: { mode: 'none' }, ago: [60] } as const satisfies Wish;

describe('a planned run starts all the same', () => {
  it('where a replica was there, so that it waited for another reason or its replica died', async () => {
    await schedule('job', NONE);
    await member.membership.beat();
    await runAll();
    expect([await ledger('job'), await count('outage')]).toEqual([['ran'], 0]);
  });

  it('where it was due before the outage, or less than ten seconds before its end', async () => {
    await schedule('before', NONE);
    await schedule('young', { ...NONE, ago: [8] });
    await schedule('within', { ...NONE, ago: [20] });
    await endOutage(30);
    await runAll();
    expect([await ledger('before'), await ledger('young'), await ledger('within')]).toEqual([
      ['ran'],
      ['ran'],
      [missed('no catch-up')],
    ]);
  });

  it('where it may have started before, or a request has asked for it', async () => {
    await schedule('lost', NONE);
    await schedule('asked', NONE);
    await sql`update carillon.run set attempt = 2, losses = 1 from carillon.schedule s where s.id = schedule_id and s.name = 'lost'`.execute(
      db,
    );
    await sql`update carillon.fire set reason = 'backfill' from carillon.schedule s where s.id = schedule_id and s.name = 'asked'`.execute(
      db,
    );
    await endOutage();
    await runAll();
    expect([await ledger('lost'), await ledger('asked')]).toEqual([['ran'], ['ran']]);
  });

  it('where its start is put off by a jitter until the outage is over', async () => {
    await schedule('job', NONE);
    await sql`update carillon.run set run_at = now() - interval '1 second'`.execute(db);
    await endOutage();
    await runAll();
    expect(await ledger('job')).toEqual(['ran']);
  });
});

describe('an outage', () => {
  it('ends for all with the first replica that is back, and decides a run that waits on by that instant', async () => {
    await schedule('job', { ago: [300, 20] });
    await endOutage(3_600);
    await member.membership.beat();
    expect(await count('outage')).toBe(1);
    // An hour later its queue is opened: by then far more has passed, which is no matter of this outage.
    await sql`update carillon.outage set from_at = from_at - interval '1 hour', to_at = to_at - interval '1 hour'`.execute(
      db,
    );
    await sql`update carillon.fire set due_at = due_at - interval '1 hour'`.execute(db);
    await sql`update carillon.run set due_at = due_at - interval '1 hour', run_at = run_at - interval '1 hour'`.execute(
      db,
    );
    await sql`update carillon.schedule set spec = jsonb_build_object('kind', 'instants', 'instants',
        (select jsonb_agg(to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') order by due_at) from carillon.fire)
        || to_jsonb(to_char(now() at time zone 'UTC' - interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`.execute(
      db,
    );
    await runAll();
    expect(await ledger('job')).toEqual([coalesced, 'ran']);
  });

  it('is none where only a replica that executes nothing was away', async () => {
    await sql`update carillon.replica set roles = '{scheduler}'`.execute(db);
    await endOutage();
    expect(await count('outage')).toBe(0);
  });
});
