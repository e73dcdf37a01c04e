// Is a control session given up whose end was told before its opener had it, or that answers no more?
import { afterEach, expect, it, vi } from 'vitest';
import * as events from '#cluster/cluster-event.repository.js';
import * as replicas from '#cluster/membership/replica.repository.js';
import { sessionName } from '#cluster/membership/session-end.repository.js';
import { DatabaseClient } from '#database/database-client.js';
import { openSession } from '#database/sessions/session-connection.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';
import { openClient } from '../../support/rows.js';
import { startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

vi.mock('#cluster/cluster-event.repository.js', { spy: true });
vi.mock('#cluster/membership/replica.repository.js', { spy: true });

const database = useTestDatabase();
afterEach(() => vi.restoreAllMocks());

/** Ends the replica's sessions, and resolves when the server has none of them. */
async function endSessions(replica: ReplicaNumber): Promise<void> {
  const client = await openClient(database.url);
  const named = 'from pg_stat_activity where datname = current_database() and application_name = $1';
  await client.query(`select pg_terminate_backend(pid) ${named}`, [sessionName(replica)]);
  await until('they have ended', async () => {
    return (await client.query(`select 1 ${named}`, [sessionName(replica)])).rowCount === 0;
  });
}

it('a session that the leader ends as it resumes is no session, and the next beat opens another', async () => {
  const member = await startMember(database.url);
  const before = member.self();
  await endSessions(before.replica);
  await until('it knows that the session broke', () => member.membership.controlDb() === null);
  const { insertEvent } = await vi.importActual<typeof events>('#cluster/cluster-event.repository.js');
  vi.mocked(events.insertEvent).mockImplementationOnce(async (db, event) => {
    await insertEvent(db, event);
    // The last answer of resuming has come, and with it the end.
    await endSessions(before.replica);
    await until('the end has been told', () =>
      db
        .selectFrom('leadership')
        .select('term')
        .execute()
        .then(
          () => false,
          () => true,
        ),
    );
  });
  await expect(member.membership.beat()).rejects.toThrow(/terminat/);
  expect(member.membership.controlDb()).toBeNull();
  await member.membership.beat();
  expect(member.self()).toBe(before);
  expect(member.membership.trusted()).toBe(before);
});

it('a session that ends in the same read as the last answer of its opening is never opened', async () => {
  const query = Reflect.get(DatabaseClient.prototype, 'query') as (...given: unknown[]) => Promise<unknown>;
  vi.spyOn(DatabaseClient.prototype, 'query').mockImplementation(function (this: DatabaseClient, ...given) {
    const answer = Reflect.apply(query, this, given);
    const isLast = JSON.stringify(given).includes('idle_session_timeout');
    // As the driver does it that reads both at once: the answer first, and nothing in between.
    return (isLast ? answer.then((rows) => (this.emit('end'), rows)) : answer) as never;
  });
  const lost: Error[] = [];
  const opened = openSession({
    url: database.url,
    applicationName: 'test',
    deadAfterMs: 5_000,
    direct: true,
    onLost: (error) => lost.push(error),
    onNotification: () => undefined,
  });
  await expect(opened).rejects.toThrow('the control session ended');
  expect(lost).toEqual([]);
});

it('a beat that no answer came to gives its session up', async () => {
  const member = await startMember(database.url);
  const before = member.self();
  const db = member.membership.controlDb();
  // As a client answers whose end was never told.
  vi.mocked(replicas.beat).mockRejectedValueOnce(
    new Error('Client has encountered a connection error and is not queryable'),
  );
  await expect(member.membership.beat()).rejects.toThrow('not queryable');
  expect(member.membership.controlDb()).toBeNull();
  await member.membership.beat();
  expect(member.membership.controlDb()).not.toBe(db);
  expect(member.self()).toBe(before);
});
