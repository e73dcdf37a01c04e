// Is a handler told its tenant by the name that `enqueue` and the API want, however its job type became known?
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { addRuns, addTenant } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startTestServer } from '../../support/test-server.js';
import { createTenant, finish, listRuns } from '../../support/test-tenant.js';
import { startOwner } from '../../support/test-owner.js';

describe('in a lone replica', () => {
  const { db, member } = useLoneMember();

  it('by what was read for the runs of several tenants together', async () => {
    const told: string[] = [];
    const owner = await startOwner(member, {
      handlers: { tell: (_job, { tenant }) => void told.push(tenant) },
    });
    const names = ['acme', 'globex'];
    for (const name of names) await addRuns(db, await addTenant(db, name), 1, { jobType: 'tell' });
    await owner.claimAll();
    await owner.finish();
    expect(told.toSorted()).toEqual(names);
  });
});

it('by what the request for the run has read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-names-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sideLog = join(folder, 'side-log');
  const server = await startTestServer({ env: { CARILLON_SIDE_LOG: sideLog } });
  onTestFinished(() => server.stop());
  const tenant = await createTenant(server);
  await finish(tenant, { jobType: 'record' });
  expect(await listRuns(tenant)).toMatchObject([{ state: 'succeeded' }]);
  const line = z.object({ tenant: z.string() }).parse(JSON.parse(readFileSync(sideLog, 'utf8')));
  expect(line.tenant).toBe(tenant.name);
});
