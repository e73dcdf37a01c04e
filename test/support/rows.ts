// How does a test put rows into the tables, or look at them, without going through the product?
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { connectDatabase, type Database } from '#database/connection.js';
import { placementHash } from '#database/runtime/hash.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { slotOf } from '#cluster/slots/decisions/slot.js';
import { insertRun, type NewRun } from '#execution/intake/new-run.repository.js';
import { asId, type RunId, type Slot, type TenantId } from '#kernel/ids.js';
import { insertTenant, type NewTenant } from '#tenancy/tenant.repository.js';

/** Closed when the test is over. */
export function openDatabase(url: string): Database {
  const db = connectDatabase({
    url,
    applicationName: 'test',
    maxConnections: 4,
    statementTimeoutMs: 20_000,
    onError: () => undefined,
  });
  onTestFinished(() => db.destroy());
  return db;
}

/** A plain session of the administrator's, for what must happen beside the product's. Closed when the test is over. */
export async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: asAdministrator(url) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

/** The same database, unless it is on another server than the test run's. */
export function asAdministrator(url: string): string {
  const admin = new URL(inject('databaseUrl'));
  const given = new URL(url);
  if (given.host !== admin.host) return url;
  return Object.assign(given, { username: admin.username, password: admin.password }).href;
}

export async function addTenant(
  db: Database,
  name = `t-${randomUUID().slice(0, 8)}`,
  allowed: Pick<NewTenant, 'allowedQueues' | 'allowedHandlers'> = {},
): Promise<{ id: TenantId; slot: Slot }> {
  const id = asId.tenant(randomUUID());
  const slot = asId.slot(slotOf(id, { slotCount: 1024, hash: placementHash }));
  await insertTenant(db, { id, name, displayName: name, slot, ...allowed });
  return { id, slot };
}

export function newRunOf(tenant: { id: TenantId; slot: Slot }, run: Partial<NewRun> = {}): NewRun {
  return {
    id: asId.run(randomUUIDv7()),
    tenantId: tenant.id,
    slot: tenant.slot,
    jobType: 'noop',
    queue: 'default',
    concurrencyKey: null,
    tags: [],
    deadline: null,
    payload: {},
    priority: 0,
    runAt: null,
    ...run,
  };
}

/** Runs that are due now; resolves with their ids in order. */
export async function addRuns(
  db: Database,
  tenant: { id: TenantId; slot: Slot },
  count: number,
  run: Partial<NewRun> = {},
): Promise<RunId[]> {
  const ids: RunId[] = [];
  for (let left = count; left > 0; left -= 1) {
    const added = newRunOf(tenant, run);
    await insertRun(db, added);
    ids.push(added.id);
  }
  return ids.toSorted(); // within one millisecond, ids are not in the order of their making
}
