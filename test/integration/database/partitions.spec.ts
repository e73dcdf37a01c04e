// Do the day partitions come and go as planned, on a real server and under the feet of its writers?
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { PARTITIONED_TABLES, listPartitionDays } from '#database/migrating/partition.repository.js';
import { maintainPartitions } from '#database/migrating/partitions.js';
import { openClient, openDatabase } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const DAY_MS = 86_400_000;
const today = new Date('2026-11-21T08:00:00.000Z');
const inDays = (days: number, from = today): Date => new Date(from.getTime() + days * DAY_MS);
const dayOf = (instant: Date): string => instant.toISOString().slice(0, 10);
const week = (from = today): string[] => Array.from({ length: 8 }, (_, ahead) => dayOf(inDays(ahead, from)));

const database = useTestDatabase();
const { db } = database;

const maintain = (db: Database, { now = today, fireDays = 14, historyDays = 14, logDays = 14 } = {}) =>
  maintainPartitions(db, { retention: { fireDays, historyDays, logDays }, now });

const daysOf = async (db: Database, name: 'fire' | 'run_history'): Promise<string[]> => {
  const table = PARTITIONED_TABLES.find((known) => known.name === name);
  if (table === undefined) throw new Error(`expected ${name} to be partitioned`);
  return listPartitionDays(db, table);
};

/** A fire that was due then, of a schedule of its own. */
const insertFire = (dueAt: Date): string =>
  `insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term)
   values ('${randomUUID()}', '${dueAt.toISOString()}', '${randomUUID()}', 'planned', 1)`;

/** A run that finished then. */
const insertFinished = (finishedAt: Date): string =>
  `insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome,
                                     replica, started_at, finished_at)
   values ('${randomUUID()}', '${randomUUID()}', 0, 'noop', '{}', 0, now(), 1, now(), 'succeeded', 1, now(), '${finishedAt.toISOString()}')`;

const run = (db: Database, statement: string): Promise<unknown> => sql.raw(statement).execute(db);

/** How many rows lie in which part of the table: `default`, or the day. */
async function whereRowsLie(db: Database, name: 'fire' | 'run_history'): Promise<Record<string, number>> {
  const { rows } = await sql<{ part: string; count: number }>`
    select replace(substr(c.relname, ${name.length + 2}), '_', '-') as part, count(*)
      from ${sql.table(`carillon.${name}`)} row join pg_class c on c.oid = row.tableoid
     group by 1`.execute(db);
  return Object.fromEntries(rows.map(({ part, count }) => [part, count]));
}

describe('day partitions', () => {
  it('have the storage settings of the default partition', async () => {
    await maintain(db);
    const { rows } = await sql<{ settings: string[]; count: number }>`
      select c.reloptions as settings, count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'carillon.fire'::regclass group by 1`.execute(db);
    expect(rows).toEqual([{ settings: expect.arrayContaining(['fillfactor=80']), count: 9 }]);
  });

  it('are made for today and a week ahead, of the ledger and of the history', async () => {
    expect(await maintain(db)).toEqual({ created: 24, dropped: 0 });
    expect(await daysOf(db, 'fire')).toEqual(week());
    expect(await daysOf(db, 'run_history')).toEqual(week());
  });

  it('take the rows of their UTC day and no others', async () => {
    await maintain(db);
    for (const at of [
      '2026-11-21T00:00:00Z',
      '2026-11-21T23:59:59.999Z',
      '2026-11-22T00:00:00Z',
      '2026-11-20T23:59:59.999Z',
    ]) {
      await run(db, insertFire(new Date(at)));
      await run(db, insertFinished(new Date(at)));
    }
    const expected = { '2026-11-21': 2, '2026-11-22': 1, default: 1 };
    expect([await whereRowsLie(db, 'fire'), await whereRowsLie(db, 'run_history')]).toEqual([
      expected,
      expected,
    ]);
  });

  it('keep to UTC whatever the session’s time zone is', async () => {
    const elsewhere = new URL(database.url);
    elsewhere.searchParams.set('options', '-ctimezone=Pacific/Kiritimati');
    const db = openDatabase(elsewhere.href);
    expect((await sql`show timezone`.execute(db)).rows).toEqual([{ TimeZone: 'Pacific/Kiritimati' }]);
    await maintain(db);
    await run(db, insertFire(new Date('2026-11-21T00:00:00Z')));
    await run(db, insertFire(new Date('2026-11-21T23:59:59.999Z')));
    expect(await whereRowsLie(db, 'fire')).toEqual({ '2026-11-21': 2 });
  });

  it('come with the indexes and checks of their table', async () => {
    await maintain(db);
    const fire = insertFire(today);
    await run(db, fire);
    await expect(run(db, fire)).rejects.toMatchObject({ code: '23505' });
    await expect(run(db, insertFire(today).replace('planned', 'guessed'))).rejects.toMatchObject({
      code: '23514',
    });
    const { rows } = await sql`
      select 1 from pg_indexes where schemaname = 'carillon' and tablename = 'run_history_2026_11_21'
        and replace(indexdef, '"', '') like '%(tenant_id, id)%'`.execute(db);
    expect(rows).toHaveLength(1);
  });

  it('that exist are left alone, so that doing it twice does nothing', async () => {
    await maintain(db);
    await run(db, insertFire(today));
    expect(await maintain(db)).toEqual({ created: 0, dropped: 0 });
    expect(await whereRowsLie(db, 'fire')).toEqual({ '2026-11-21': 1 });
  });

  it('are made one more each day', async () => {
    await maintain(db);
    expect(await maintain(db, { now: inDays(1) })).toEqual({ created: 3, dropped: 0 });
    expect((await daysOf(db, 'fire')).at(-1)).toBe(dayOf(inDays(8)));
  });

  it('are made once when several replicas start together', async () => {
    const replicas = Array.from({ length: 4 }, () => db);
    const done = await Promise.all(replicas.map((db) => maintain(db)));
    expect(done.reduce((sum, { created }) => sum + created, 0)).toBe(24);
    expect(await daysOf(db, 'fire')).toEqual(week());
  });
});

describe('rows that came before their partition', () => {
  it('lie in the default partition, and move along when it is made', async () => {
    for (const days of [0, 3, 7]) await run(db, insertFinished(inDays(days)));
    await run(db, insertFinished(inDays(8)));
    expect(await whereRowsLie(db, 'run_history')).toEqual({ default: 4 });
    await maintain(db);
    expect(await whereRowsLie(db, 'run_history')).toEqual({
      [dayOf(today)]: 1,
      [dayOf(inDays(3))]: 1,
      [dayOf(inDays(7))]: 1,
      default: 1,
    });
  });

  it('move along with every column', async () => {
    await run(db, insertFire(inDays(1)));
    const before = (await sql`select * from carillon.fire`.execute(db)).rows;
    await maintain(db);
    expect((await sql`select * from carillon.fire`.execute(db)).rows).toEqual(before);
    expect(await whereRowsLie(db, 'fire')).toEqual({ [dayOf(inDays(1))]: 1 });
  });

  it('move along even if their writer commits while the partition is being made', async () => {
    const [writer, watcher] = [await openClient(database.url), await openClient(database.url)];
    await writer.query('begin');
    await writer.query(insertFinished(today));
    const maintained = maintain(db);
    maintained.catch(() => undefined); // looked at below, after the writer has gone on
    await until('the maintenance waits for the writer', async () => {
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return (await watcher.query(waiting)).rowCount === 1;
    });
    await writer.query('commit');
    await maintained;
    expect(await whereRowsLie(db, 'run_history')).toEqual({ [dayOf(today)]: 1 });
  });
});

describe('what is past its retention', () => {
  it('is dropped by whole days, each table by its own', async () => {
    await maintain(db);
    for (const days of [0, 1, 2]) {
      await run(db, insertFire(inDays(days)));
      await run(db, insertFinished(inDays(days)));
    }
    const later = inDays(4);
    expect(await maintain(db, { now: later, fireDays: 2, historyDays: 3 })).toEqual({
      created: 12,
      dropped: 3,
    });
    expect((await daysOf(db, 'fire'))[0]).toBe(dayOf(inDays(2)));
    expect((await daysOf(db, 'run_history'))[0]).toBe(dayOf(inDays(1)));
    expect(await whereRowsLie(db, 'fire')).toEqual({ [dayOf(inDays(2))]: 1 });
    expect(await whereRowsLie(db, 'run_history')).toEqual({ [dayOf(inDays(1))]: 1, [dayOf(inDays(2))]: 1 });
  });

  it('goes from the default partition, too, and what is not past it stays', async () => {
    await maintain(db);
    await run(db, insertFinished(inDays(-1)));
    await run(db, insertFinished(inDays(30)));
    await maintain(db, { now: inDays(4), historyDays: 3 });
    expect(await whereRowsLie(db, 'run_history')).toEqual({ default: 1 });
  });
});

describe('somebody who reads for hours', () => {
  it('keeps the maintenance waiting for 2 s at most, and then nothing is half done', async () => {
    const reader = await openClient(database.url);
    await reader.query('begin');
    await reader.query('select count(*) from carillon.fire_default');
    await expect(maintain(db)).rejects.toMatchObject({ code: '55P03' });
    expect(await daysOf(db, 'fire')).toEqual([]);
    await reader.query('commit');
    expect(await maintain(db)).toEqual({ created: 24, dropped: 0 });
  });
});
