// Is a replica that stopped moving taken over where its sessions may not be ended? Each member has a login of its own,
// and the role that both of them set may end neither's sessions; what keeps the gate is then ended by the server alone.
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { asReplica } from '#cluster/membership/replica-gate.js';
import { listReplicas } from '#cluster/membership/replica-listing.repository.js';
import { runStatement } from '../../support/admin-statement.js';
import { openClient } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember, startMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const SILENCE = { deadAfterMs: 2_000, marginMs: 400 };

const database = useTestDatabase();
const { db } = database;

it('I4, I8: takes over when the server has ended the sessions, and not before', async () => {
  const [frozenUrl, followerUrl] = await logins(database.url, ['frozen', 'follower']);
  const frozen = await startLoneMember(frozenUrl ?? '', { settings: SILENCE });
  const follower = await startMember(followerUrl ?? '', { settings: SILENCE });
  const { promise: thaw, resolve: wake } = Promise.withResolvers<void>();
  onTestFinished(() => wake());
  const write = asReplica(frozen.self().db, frozen.self(), async (tx) => {
    await sql`select 1`.execute(tx);
    await thaw;
  });
  const written = write.then(
    () => 'written',
    () => 'refused',
  );
  await until('the write has its gate', async () => {
    const { rows } =
      await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and mode = 'ShareLock'`.execute(
        db,
      );
    return rows.length === 1;
  });
  const takeover = async (): Promise<boolean> => {
    await follower.membership.beat();
    await follower.election.runOnce();
    await follower.sweep.runOnce();
    const [, state] = (await listReplicas(db, { ended: 1 })).map((replica) => replica.state);
    return state === 'dead';
  };
  await until('the frozen one is dead', takeover);
  const { rows } =
    await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and mode = 'ShareLock'`.execute(
      db,
    );
  expect(rows).toEqual([]);
  wake();
  expect(await written).toBe('refused');
});

async function logins(url: string, names: readonly string[]): Promise<string[]> {
  const admin = await openClient(url);
  const mark = randomBytes(4).toString('hex');
  const owner = `owner_${mark}`;
  await admin.query(`create role ${owner}`);
  await admin.query(
    `grant all on schema carillon to ${owner}; grant all on all tables in schema carillon to ${owner};
     grant all on all sequences in schema carillon to ${owner}`,
  );
  const roles = names.map((name) => `${name}_${mark}`);
  for (const role of roles)
    await admin.query(
      `create role ${role} login noinherit password 'x' in role ${owner}; alter role ${role} set role = ${owner}`,
    );
  onTestFinished(async () => {
    await runStatement(url, `drop owned by ${owner}; drop role ${[...roles, owner].join(', ')}`);
  });
  return roles.map((role) => Object.assign(new URL(url), { username: role, password: 'x' }).href);
}
