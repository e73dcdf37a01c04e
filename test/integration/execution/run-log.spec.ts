// Are lines written together, in order and once, in spite of bad lines and a failing database?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { RUN_LOG_LOCK } from '#database/advisory-locks.js';
import { PAGE_BYTES_MAX } from '#database/fitting-page.repository.js';
import { RunLogLoop } from '#execution/reports/run-log-loop.js';
import { RunLog } from '#execution/reports/run-log.js';
import { insertLogLines, listNextLogLines, type NewLogLine } from '#execution/reports/run-log.repository.js';
import { claimedRun } from '../../support/builders.js';
import { FakeClock } from '../../support/fake-clock.js';
import { openClient } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

async function startLog() {
  const { membership } = await startMember(database.url);
  const log = new RunLog();
  const clock = new FakeClock();
  const loop = new RunLogLoop(membership, log, clock);
  log.ended.subscribe(() => loop.onAttemptsEnded());
  const begin = (run = claimedRun()) => log.begin(run, { replica: null, now: () => new Date() });
  return { log, clock, loop, begin };
}

async function messages(): Promise<string[]> {
  const { rows } = await sql<{ message: string }>`select message from carillon.run_log order by seq`.execute(
    db,
  );
  return rows.map(({ message }) => message);
}

describe('lines', () => {
  it('of all runs are written together, a quarter of a second apart, and sooner when an attempt ends', async () => {
    const { clock, loop, begin } = await startLog();
    const [one, other] = [begin(), begin()];
    one.log.info('1');
    other.log.info('2');
    await loop.runOnce();
    expect(await messages()).toEqual(['1', '2']);
    one.log.info('3');
    expect(await loop.runOnce()).toBe(250);
    clock.advance(249);
    expect(await loop.runOnce()).toBe(1);
    clock.advance(1);
    await loop.runOnce();
    expect(await messages()).toEqual(['1', '2', '3']);
    one.log.info('4');
    one.end();
    one.log.info('too late');
    expect(await loop.runOnce()).toBe(50);
    clock.advance(50);
    await loop.runOnce();
    expect(loop.isIdle).toBe(true);
    expect(await messages()).toEqual(['1', '2', '3', '4']);
  });

  it('one of which the database refuses are written but for its fields', async () => {
    const { loop, begin } = await startLog();
    const { log } = begin();
    log.info('before');
    await sql`alter table carillon.run_log add check (fields -> 'refuse' is null)`.execute(db);
    log.info({ refuse: 1 }, 'odd');
    log.info({ keep: 1 }, 'after');
    await loop.runOnce();
    expect(await messages()).toEqual([
      'before',
      expect.stringMatching(/^odd \(its fields were refused: .*check/),
      'after',
    ]);
  });

  it('wait while the database is away, and are bounded: the log says how many were dropped', async () => {
    const { loop, begin, clock } = await startLog();
    const client = await openClient(database.url);
    await client.query('alter table carillon.run_log rename to run_log_away');
    const logs = Array.from({ length: 60 }, () => begin());
    for (const { log } of logs) for (let n = 0; n < 1_000; n += 1) log.info(`${n}`);
    await expect(loop.runOnce()).rejects.toThrow(/run_log/);
    expect(loop.isIdle).toBe(false);
    await client.query('alter table carillon.run_log_away rename to run_log');
    await until('all is written', async () => {
      await loop.runOnce();
      clock.advance(250);
      return loop.isIdle;
    });
    const written = await messages();
    expect(written.slice(0, 1_000)).toEqual(Array.from({ length: 1_000 }, (_, n) => `${n}`));
    expect(
      written.filter((message) => message.startsWith('1000 lines from here on were dropped')).length,
    ).toBe(10);
    expect(written.length).toBe(50_010);
  });

  it('that are gathered elsewhere are counted together with those that are there', async () => {
    const { log, loop, clock } = await startLog();
    const { id: runId } = claimedRun();
    const gathered = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        runId,
        attempt: 1,
        at: new Date(),
        level: 'info' as const,
        message: `${n}`,
        fields: n === 0 ? { first: true } : undefined,
      }));
    log.noteLogLines(gathered(600), null);
    await loop.runOnce();
    const another = new RunLog();
    const elsewhere = new RunLogLoop((await startMember(database.url)).membership, another, clock);
    another.noteLogLines(gathered(600), null);
    await elsewhere.runOnce();
    const written = await messages();
    expect(written.length).toBe(1_001);
    expect(written.at(-1)).toMatch(/log of this run is full/);
  });
});

describe('a reader who goes on from a number', () => {
  it('misses nothing: a batch waits for the one whose numbers are lower', async () => {
    const first = await openClient(database.url);
    const { id: runId } = claimedRun();
    const line = {
      runId,
      at: new Date(),
      attempt: 1,
      replica: null,
      level: 'info' as const,
      fieldsJson: null,
    };
    await first.query('begin');
    await first.query(`select pg_advisory_xact_lock(${RUN_LOG_LOCK}, 0)`);
    await first.query(
      `insert into carillon.run_log (run_id, at, attempt, level, message) values ('${runId}', now(), 1, 'info', 'first')`,
    );
    const second = insertLogLines(db, [{ ...line, message: 'second' }]);
    await until('the second waits', async () => {
      const waiting = `select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and not granted`;
      return (await first.query(waiting)).rowCount === 1;
    });
    await first.query('commit');
    await second;
    expect(await messages()).toEqual(['first', 'second']);
  });
});

describe('readers who follow many logs at once', () => {
  const newLine = (message: string): NewLogLine => ({
    runId: claimedRun().id,
    at: new Date(),
    attempt: 1,
    replica: null,
    level: 'info',
    fieldsJson: null,
    message,
  });

  it('get as many bytes a look as a page may have, of each log some, and every line once', async () => {
    const runs = Array.from({ length: 8 }, () => claimedRun().id);
    const text = 'x'.repeat(8_000);
    for (const runId of runs)
      await insertLogLines(
        db,
        Array.from({ length: 40 }, (_, n) => ({ ...newLine(`${n} ${text}`), runId })),
      );
    const after = new Map(runs.map((runId) => [runId, 0]));
    const since = new Date(Date.now() - 60_000);
    let read = 0;
    for (let isCut = true; isCut;) {
      const followed = runs.map((runId) => ({ runId, since, after: after.get(runId) ?? 0 }));
      const look = await listNextLogLines(db, followed, 30);
      ({ isCut } = look);
      expect(look.lines.reduce((bytes, { message }) => bytes + message.length, 0)).toBeLessThan(
        PAGE_BYTES_MAX + 8_192,
      );
      if (read === 0) expect(new Set(look.lines.map(({ runId }) => runId)).size).toBe(runs.length);
      for (const { runId, seq } of look.lines) {
        expect(seq).toBeGreaterThan(after.get(runId) ?? 0);
        after.set(runId, seq);
      }
      read += look.lines.length;
    }
    expect(read).toBe(8 * 40);
  });
});
