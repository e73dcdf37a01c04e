// Is a control session given up whose end was told before its opener had it, or that answers no more?
import { afterEach, expect, it, vi } from 'vitest';
import { sessionName } from '#cluster/membership/session-end.repository.js';
import { DatabaseClient } from '#database/database-client.js';
import { openSession } from '#database/sessions/session-connection.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';
import { openClient } from '../../support/rows.js';
import { startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
afterEach(() => vi.restoreAllMocks());

/** Answers the queries of clients that are made from now on. */
function answerQueries(
  answer: (text: string, query: () => Promise<unknown>, client: DatabaseClient) => Promise<unknown>,
): void {
  const send = Reflect.get(DatabaseClient.prototype, 'query') as (...given: unknown[]) => Promise<unknown>;
  vi.spyOn(DatabaseClient.prototype, 'query').mockImplementation(function (this: DatabaseClient, ...given) {
    return answer(JSON.stringify(given), () => Reflect.apply(send, this, given), this) as never;
  });
}

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
  let isTold = false;
  answerQueries(async (text, query, client) => {
    const answer = await query();
    if (isTold || !text.includes('cluster_event')) return answer;
    isTold = true;
    // The last answer of resuming has come, and with it the end.
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    await endSessions(before.replica);
    await ended;
    return answer;
  });
  await expect(member.membership.beat()).rejects.toThrow(/terminat/);
  expect(member.membership.controlDb()).toBeNull();
  await member.membership.beat();
  expect(member.self()).toBe(before);
  expect(member.membership.trusted()).toBe(before);
});

it('a session that ends in the same read as the last answer of its opening is never opened', async () => {
  answerQueries((text, query, client) => {
    const isLast = text.includes('idle_session_timeout');
    // As the driver does it that reads both at once: the answer first, and nothing in between.
    return isLast ? query().then((rows) => (client.emit('end'), rows)) : query();
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
  let isDeaf = false;
  answerQueries((text, query) => {
    if (!isDeaf || !text.includes('update carillon.heartbeat')) return query();
    isDeaf = false;
    // As a client answers whose end was never told.
    return Promise.reject(new Error('Client has encountered a connection error and is not queryable'));
  });
  const member = await startMember(database.url);
  const before = member.self();
  const db = member.membership.controlDb();
  isDeaf = true;
  await expect(member.membership.beat()).rejects.toThrow('not queryable');
  expect(member.membership.controlDb()).toBeNull();
  await member.membership.beat();
  expect(member.membership.controlDb()).not.toBe(db);
  expect(member.self()).toBe(before);
});
