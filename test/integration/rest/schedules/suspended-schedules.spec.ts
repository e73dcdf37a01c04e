// What does the ledger say of a suspended tenant's schedule? Its due times are skipped for that reason while it lasts, by
// the running replica itself, and the first due time after it fires.
import { expect, it } from 'vitest';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, listFires, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

it('skips what is due while its tenant is suspended, and fires again once it is resumed', async () => {
  const { name } = await createSchedule(tenant, { spec: { everySeconds: 1 } });
  const rowsWhere = async (outcome: string) =>
    (await listFires(tenant, name, '?pageSize=200')).filter((row) => row.outcome === outcome);
  await until('it has fired', async () => (await rowsWhere('fired')).length > 0);
  await server.admin.post(`${tenant.path}:suspend`).expect(200);
  const skipped = await until('three were skipped', async () => {
    const rows = await rowsWhere('skipped');
    return rows.length >= 3 && rows;
  });
  expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(['suspended']));
  await server.admin.post(`${tenant.path}:resume`).expect(200);
  const resumedAt = Date.now();
  const fired = await until('it has fired again', async () => {
    const rows = (await rowsWhere('fired')).filter((row) => Date.parse(row.dueAt) > resumedAt);
    return rows.length > 0 && rows;
  });
  expect(fired.every(({ runId }) => runId !== null)).toBe(true);
});
