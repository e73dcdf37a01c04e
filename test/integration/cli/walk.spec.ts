// Does each command do its work against a real replica? One call of each, in order, as from a script.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '#client/http/client.js';
import { callCarillon } from '../../support/cli-call.js';
import { WALK, type WalkScene } from '../../support/cli-walk.js';
import { ADMIN_KEY, useTestServer } from '../../support/test-server.js';
import {
  createJobType,
  createKey,
  createRun,
  finish,
  newName,
  useTenant,
} from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const FILE = `
name: nightly
spec: { cron: 30 2 * * * }
timeZone: Europe/Berlin
jobType: echo
labels: { team: books }
---
- { name: pulse, spec: { everySeconds: 3600 }, startAt: '2026-01-01T00:00:00Z', jobType: noop }
`;

let folder: string;
let scene: WalkScene;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-walk-'));
  await writeFile(join(folder, 'schedules.yaml'), FILE);
  await createJobType(tenant, { name: 'held' });
  await createJobType(tenant, { name: 'lone', target: { kind: 'handler', handler: 'fail' } });
  const failed = await finish(tenant, { jobType: 'lone' });
  const waiting = await createRun(tenant, { delaySeconds: 3_600 });
  const { id: key } = await createKey(tenant.api, tenant.path);
  const { schedules } = createClient({ url: server.url, tenant: tenant.name, key: tenant.key });
  const { id: operation } = await schedules.pauseAll({ q: 'none-of-that-name' }, { expectedCount: 0 });
  const hold = { holder: 'me', leaseSeconds: 300 };
  await tenant.api.post(`${tenant.path}/locks/books:acquire`).send(hold).expect(200);
  const now = Date.now();
  scene = {
    tenant: tenant.name,
    newTenant: newName('walked'),
    failedRun: failed.id,
    waitingRun: waiting.id,
    key,
    operation,
    file: 'schedules.yaml',
    from: new Date(now - 7_200_000).toISOString(),
    to: new Date(now - 60_000).toISOString(),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const environment = () => ({
  CARILLON_URL: server.url,
  CARILLON_KEY: ADMIN_KEY,
  CARILLON_TENANT: tenant.name,
  DATABASE_URL: server.databaseUrl,
});

it.each(WALK)('$command', async ({ command, args = () => [], code = 0, mayFail, out }) => {
  const called = await callCarillon([...command.split(' '), ...args(scene)], { env: environment(), folder });
  expect(called.out, called.err).toMatch(out);
  expect(mayFail ? [code, 1] : [code], called.err).toContain(called.code);
});
