// May a tenant stand in its owner's way with many changes of its schedules? A change that waits at the owner's gate has a
// database session, and the changes of other tenants wait behind it.
import type pg from 'pg';
import { expect, it } from 'vitest';
import { GATE_TURN, REPLICA_GATE } from '#database/advisory-locks.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const busy = useTenant(server);
const other = useTenant(server);

/** More than the API has database sessions. */
const COPIES = 60;

/** Sessions that wait for the gate, or for their turn at it. */
async function waitingAtGate(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `select 1 from pg_locks
      where database = (select oid from pg_database where datname = current_database())
        and locktype = 'advisory' and classid in (${GATE_TURN}, ${REPLICA_GATE}) and mode = 'ExclusiveLock' and not granted`,
  );
  return rows.length;
}

it('I9: of the changes of one tenant, one stands at the gate of its owner', async () => {
  const { name } = await createSchedule(busy);
  const theirs = await createSchedule(other);
  const [owner, watch] = [await openClient(server.databaseUrl), await openClient(server.databaseUrl)];
  const { rows: copies } = await owner.query<{ name: string }>(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, payload, state, next_due_at)
     select gen_random_uuid(), tenant_id, slot, 'copy-' || n, job_type, spec, payload, state, next_due_at
       from carillon.schedule cross join generate_series(1, ${COPIES}) n where name = $1 returning name`,
    [name],
  );
  await owner.query('begin');
  await owner.query(`select pg_advisory_xact_lock(${REPLICA_GATE}, number) from carillon.replica`);
  const paths = copies.map((copy) => [busy, copy.name] as const);
  let left = COPIES + 1;
  const deleted = [...paths, [other, theirs.name] as const].map(async ([{ api, path }, schedule]) => {
    const { status } = await api.delete(`${path}/schedules/${schedule}`).set('If-Match', '*');
    left -= 1;
    return status;
  });
  await until('a change of each tenant is at the gate', async () => (await waitingAtGate(watch)) >= 2);
  await owner.query('commit');
  const most: number[] = [];
  await until('all are answered', async () => {
    most.push(await waitingAtGate(watch));
    return left === 0;
  });
  expect(new Set(await Promise.all(deleted))).toEqual(new Set([204]));
  expect(Math.max(...most)).toBeLessThanOrEqual(2);
});
