// What does a test of work outside need? One replica that serves all slots, a job type that is pulled, and a worker for
// it, with passes made by hand and time moved in the rows.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import type { Database } from '#database/connection.js';
import { runsElsewhere } from '#execution/claiming/runs-elsewhere.repository.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { acquireLeases } from '#execution/leases/lease-acquisition.js';
import { endLease, type LeaseEndRequest } from '#execution/leases/lease-ends.js';
import { beatLease, type TakenLease } from '#execution/leases/lease.repository.js';
import type { JobTypeLimits } from '#execution/limits/limits.js';
import { insertWorker, registerPulledJobType } from '#execution/leases/worker.repository.js';
import { asId, type RunId, type Slot, type TenantId } from '#kernel/ids.js';
import { schemaChecks } from './schema-checks.js';
import { addRuns, addTenant, openDatabase } from './rows.js';
import { createTestDatabase } from './test-database.js';
import { startLoneMember } from './test-member.js';
import { startOwner } from './test-owner.js';

export const JOB = 'pulled';
export const COMPLETE: LeaseEndRequest = { verb: 'complete', outputJson: '"done"' };

export async function startLeasedWork(retry: object = {}, limits: JobTypeLimits = {}) {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { url } = database;
  const db = openDatabase(url);
  const member = await startLoneMember(url);
  const replica = await startOwner(member);
  const tenant = await addTenant(db);
  await registerPulledJobType(db, tenant.id, {
    name: JOB,
    target: { kind: 'pull', leaseSeconds: 30 },
    retry: { ...DEFAULT_RETRY, minMs: 0, jitter: 0, ...retry },
    timeoutMs: 60_000,
    payloadSchema: null,
  });
  await sql`update carillon.job_type set limits = ${JSON.stringify(limits)}::jsonb where name = ${JOB}`.execute(
    db,
  );
  const worker = asId.worker(randomUUID());
  await insertWorker(db, {
    id: worker,
    tenantId: tenant.id,
    name: 'w',
    jobTypes: [JOB],
    concurrency: 1,
    labels: {},
  });
  const checks = schemaChecks();
  return {
    db,
    member,
    replica,
    tenant,
    /** Lets the owner claim what is due and put it outside. */
    park: async () => {
      await replica.claimAll();
      await replica.finish();
    },
    take: async (max = 10): Promise<TakenLease[]> => {
      const request = { tenantId: tenant.id, worker, requestId: randomUUID(), jobTypes: [JOB], max };
      const acquisition = await acquireLeases(db, request);
      return acquisition.kind === 'leases' ? acquisition.leases : [];
    },
    say: (lease: TakenLease, request: LeaseEndRequest = COMPLETE) =>
      endLease(db, { tenantId: tenant.id, id: lease.id, request, random: () => 0, checks }),
    beat: (lease: TakenLease) => beatLease(db, { tenantId: tenant.id, id: lease.id, graceMs: 10_000 }),
    endOverdue: () => replica.overdueLeases.runOnce(),
  };
}

/** What is outside of this slot, as its owner counts it. */
export async function leasedRuns(db: Database, slot: Slot) {
  const runs = await runsElsewhere(db, { replica: asId.replica(-1), slots: [slot] });
  return runs.filter(({ isLeased }) => isLeased);
}

export async function addPulled(
  db: Database,
  tenant: { id: TenantId; slot: Slot },
  runs = 1,
): Promise<RunId[]> {
  return addRuns(db, tenant, runs, { jobType: JOB, concurrencyKey: 'k', queue: 'mail' });
}

export async function only(leases: Promise<TakenLease[]>): Promise<TakenLease> {
  const [lease, ...others] = await leases;
  if (lease === undefined || others.length > 0)
    throw new Error(`expected one lease, got ${others.length + (lease ? 1 : 0)}`);
  return lease;
}

/** As if so much time had passed. */
export async function age(
  db: Database,
  columns: readonly ('expires_at' | 'times_out_at' | 'deadline')[],
): Promise<void> {
  for (const column of columns)
    await sql`update carillon.lease set ${sql.ref(column)} = clock_timestamp() - interval '1 second'`.execute(
      db,
    );
}

export async function runRow(db: Database) {
  const { rows } = await sql<{
    attempt: number;
    losses: number;
    failures: number;
    isParked: boolean;
    past: object[] | null;
  }>`
    select attempt, losses, failures, run_at = 'infinity' as "isParked", past_attempts as past from carillon.run`.execute(
    db,
  );
  return rows[0];
}
