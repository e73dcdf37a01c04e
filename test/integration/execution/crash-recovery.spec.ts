// Does a crash of the database server look like the death of a replica? When one server process is killed, all
// sessions end at once and the server recovers, without having been restarted. On a server of its own, since every
// other test on it would feel that.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { runStatement } from '../../support/admin-statement.js';
import { DatabaseServer } from '../../chaos/database-server.js';
import { openClient } from '../../support/rows.js';
import { startLoneMember, startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

let server: DatabaseServer;
let url: string;
let databases = 0;

beforeAll(async () => {
  server = await DatabaseServer.start();
});
afterAll(async () => server.remove());
beforeEach(async () => {
  url = await server.createDatabase(`crash_${(databases += 1)}`);
  await migrateToLatest(url);
});

describe('when a server process is killed', () => {
  it('nobody is declared dead before a beat of his after the recovery, or a lease (I8)', async () => {
    const leader = await startLoneMember(url);
    const other = await startMember(url);
    await killServerProcess();
    await until('both know that their session broke', () =>
      [leader, other].every(({ membership }) => membership.controlDb() === null),
    );
    // The first one back leads again, and looks at a second one that has no lock, no session, and the same server.
    await until('the first one is back', () =>
      leader.membership.beat().then(
        () => true,
        () => false,
      ),
    );
    await leader.lead();
    await leader.sweep.runOnce();
    expect(await states()).toEqual(['active', 'active']);
    await other.membership.beat();
    expect(other.self().replica).toBe(2);
  });

  it('one that dies later is declared dead at once', async () => {
    const leader = await startLoneMember(url);
    const victim = await startMember(url);
    await killServerProcess();
    for (const { membership } of [leader, victim])
      await until('it is back', () =>
        membership.beat().then(
          () => true,
          () => false,
        ),
      );
    await victim.self().db.destroy();
    const { replica } = victim.self();
    await runStatement(
      url,
      `select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = current_database() and application_name = 'carillon:${replica}'`,
    );
    await leader.lead();
    await leader.sweep.runOnce();
    expect(await states()).toEqual(['active', 'dead']);
  });
});

async function killServerProcess(): Promise<void> {
  const [row] = await runStatement<{ pid: number }>(
    url,
    `select pid from pg_stat_activity where datname = current_database() and application_name like 'carillon:%' limit 1`,
  );
  if (row === undefined) throw new Error('expected a session to kill, got none');
  process.kill(row.pid, 'SIGKILL');
}

async function states(): Promise<string[]> {
  const client = await openClient(url);
  const { rows } = await client.query<{ state: string }>(
    'select state from carillon.replica order by number',
  );
  return rows.map(({ state }) => state);
}
