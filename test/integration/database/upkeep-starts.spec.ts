// Does pg-boss, which keeps the house, start on this database? A pg-boss that can't start is tried again in silence. On the
// database of the project odd-database its role may make no schema, and its sessions begin with every odd setting.
import { expect, it } from 'vitest';
import { openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { until } from '../../support/until.js';

const server = useTestServer();

it('the upkeep of a replica has its schedules', async () => {
  const client = await openClient(server.databaseUrl);
  const names = await until('both are scheduled', async () => {
    const { rows } = await client.query<{ name: string }>(
      'select name from carillon_boss.schedule order by name',
    );
    return rows.length === 2 && rows.map(({ name }) => name);
  });
  expect(names).toEqual(['carillon-enqueue-upkeep', 'carillon-partitions']);
});
