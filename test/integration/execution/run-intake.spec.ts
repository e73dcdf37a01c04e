// Is a run that comes alone taken in by one statement while nothing has changed, and by what holds now as soon as
// something has? Each refusal is a value, after which nothing was written and no owner is told.
import type { KyselyPlugin } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#database/runtime/system-clock.js';
import { AssumedJobs } from '#execution/intake/assumed-jobs.js';
import { RunIntake } from '#execution/intake/run-intake.js';
import type { WantedRun } from '#execution/intake/wanted-run.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { registerSharedJobType } from '#execution/job-types/job-type.repository.js';
import { findTenantAndJob } from '#server/http/access/tenant-and-job.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { addTenant } from '../../support/rows.js';
import { count } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

const NAMES = { tenant: 'acme', jobType: 'noop' };

let statements: number;
/** What the replica was told, in order. */
let told: string[];
let jobs: AssumedJobs<Tenant>;
let intake: RunIntake<Tenant>;

beforeEach(async () => {
  statements = 0;
  told = [];
  jobs = new AssumedJobs(findTenantAndJob);
  const replica = {
    takeIn: () => Promise.resolve(null),
    expectRuns: () => void told.push('expect'),
    hintWork: () => void told.push('hint'),
  };
  intake = new RunIntake(jobs, replica, systemClock);
  await addTenant(db, NAMES.tenant);
  await registerSharedJobType(db, {
    name: NAMES.jobType,
    target: { kind: 'handler', handler: 'noop' },
    retry: DEFAULT_RETRY,
    timeoutMs: 1_000,
    limits: {},
    payloadSchema: null,
    outputSchema: null,
    heartbeatMs: null,
  });
});

const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    statements += 1;
    return node;
  },
  transformResult: ({ result }) => Promise.resolve(result),
};

/** As the guard and the controller do. `misfit` is what the check says of a job type that was not assumed. */
async function take(wanted: Partial<WantedRun> = {}, misfit: string | null = null) {
  statements = 0;
  const counted = db.withPlugin(counting);
  const assumed = wanted.unique === undefined ? jobs.assumed(NAMES) : undefined;
  const read = assumed ?? (await jobs.read(counted, NAMES));
  if (read === undefined) throw new Error('expected the tenant to exist, found none');
  const run = { jobType: NAMES.jobType, payload: {}, ...wanted };
  const check = () => Promise.resolve(misfit);
  const writing = { db: counted, afterwards: (act: () => void) => act() };
  const job = { ...read, isAssumed: assumed !== undefined };
  return intake.takeLone(job, { wanted: run, check }, writing);
}

const changeTenant = (change: object) => db.updateTable('tenant').set(change).execute();

describe('a run that comes alone', () => {
  it('costs two statements at first, and one as long as nothing changes', async () => {
    const created = { kind: 'created', row: { jobType: 'noop', state: 'queued' } };
    expect(await take()).toMatchObject(created);
    expect(statements).toBe(2);
    expect(await take()).toMatchObject(created);
    expect(statements).toBe(1);
    expect(told).toEqual(['expect', 'hint', 'expect', 'hint']);
  });

  it('is taken in by the rows as they are now, if the assumed ones have changed', async () => {
    await take();
    await changeTenant({ weight: 2 });
    expect(await take()).toMatchObject({ kind: 'created' });
    expect(statements).toBe(3);
    await take();
    expect(statements).toBe(1);
  });

  it('that is not due wakes the owner, who need not expect it yet', async () => {
    await take({ delaySeconds: 60 });
    expect(told).toEqual(['hint']);
  });
});

describe('a run is refused', () => {
  it.each([
    ['in a tenant that was suspended meanwhile', { state: 'suspended' }, 'suspended'],
    ['in a tenant that has another name meanwhile', { name: 'other' }, 'no-tenant'],
    ['in a tenant that has a limit meanwhile', { limits: JSON.stringify({ maxQueued: 1 }) }, 'over-quota'],
  ])('%s', async (_, change, kind) => {
    await take();
    told = [];
    await changeTenant(change);
    expect(await take()).toMatchObject({ kind });
    expect(told).toEqual([]);
    expect(await count(db, 'run')).toBe(1);
  });

  it('by its check, which is repeated on rows that were read for it', async () => {
    await take();
    expect(await take({}, 'too long')).toEqual({ kind: 'misfit', why: 'too long' });
    expect(statements).toBe(1);
    expect(await count(db, 'run')).toBe(1);
  });

  it('when its key is held, with the run that holds it', async () => {
    const unique = { key: 'once', onConflict: 'reject' as const };
    const first = await take({ unique });
    if (first.kind !== 'created') throw new Error(`expected a new run, got ${first.kind}`);
    expect(await take({ unique })).toEqual({ kind: 'key-taken', id: first.row.id });
    expect(await take({ unique: { key: 'once' } })).toMatchObject({ kind: 'returned', row: first.row });
    expect(told).toEqual(['expect', 'hint']);
  });
});
