// What becomes of runs whose stored job type can't be read? They fail for good with the reason, and are not claimed for
// ever.
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { openDatabase } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { createJobType, createRun, finishedRun, useTenant } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

it('fails once, with what is wrong', async () => {
  const { name } = await createJobType(tenant, { target: { kind: 'pull' } });
  const run = await createRun(tenant, { jobType: name, delaySeconds: 8 });
  await sql`update carillon.job_type set retry = retry || '{"maxAttempts":0}' where name = ${name}`.execute(
    openDatabase(server.databaseUrl),
  );
  expect(await finishedRun(tenant, run)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { name: 'SpoiltJobType' },
  });
});
