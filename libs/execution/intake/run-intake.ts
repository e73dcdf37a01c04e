// Takes in the runs that callers ask for, the same way for one and for ten thousand: within the tenant's limit, in one
// transaction, with one hint to the owner of its slot once that is committed. A run that comes alone costs one
// statement as a rule: its tenant and job type are assumed, and its insert proves them. Where the proof or a check of
// the assumed job type fails, nothing was written. Both are then read again, and the run is taken or refused by what
// they say now. Refusals are values.
import type { Database } from '#database/connection.js';
import type { JobType } from '#execution/job-types/job-type.js';
import { findJobTypes, parseJobType } from '#execution/job-types/job-type.repository.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import type { RunRow } from '#execution/runs/run-row.js';
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import {
  isLimited,
  type AssumedJobs,
  type IntakeTenant,
  type NamedJob,
  type TenantAndJob,
} from './assumed-jobs.js';
import { enqueueRun, enqueueRuns, type Enqueued } from './enqueue.js';
import type { AssumedJob } from './job-proof.js';
import { insertAndShowRun, type NewRun } from './new-run.repository.js';
import { takesKeyDefaults, withKeyDefaults } from './key-defaults.js';
import { RunQuota, type Quota } from './run-quota.js';
import { enqueueOf, inGivenOrder, type WantedRun } from './wanted-run.js';

/** The database, or the transaction, of a request, and when it is committed. */
export interface IntakeWriting {
  readonly db: Database;
  /** Runs the act once everything is committed; never if it is rolled back. */
  readonly afterwards: (act: () => void) => void;
}

/** A run that its replica has taken in. */
export interface TakenInRun {
  /** Null when the assumed rows no longer hold; then nothing was written. */
  row: RunRow | null;
  /** Whether this replica holds it; otherwise it waits for a claim. */
  isHeld: boolean;
}

/** The replica that takes the runs in. */
export interface Announcing {
  /** Inserts and claims one that comes alone. Null when this replica can't, and nothing was written. */
  takeIn(
    job: { tenant: IntakeTenant; jobType: JobType },
    entry: { run: NewRun; assumed: AssumedJob },
  ): Promise<TakenInRun | null>;
  /** Runs of this job type, which has just been read, will come soon. */
  expectRuns(tenant: IntakeTenant, jobType: JobType): void;
  /** New runs wait in these slots. */
  hintWork(slots: Slot[]): void;
}

export interface LoneRun<Tenant extends IntakeTenant, Misfit> {
  wanted: WantedRun;
  /** Why the job can't be requested like this; null when it can. */
  check: (job: TenantAndJob<Tenant>) => Promise<Misfit | null>;
}

export type Taken = { kind: 'created' | 'returned' | 'replaced'; row: RunRow };

export type Refused<Misfit> =
  | { kind: 'misfit'; why: Misfit }
  | { kind: 'no-tenant' }
  | { kind: 'suspended'; tenant: IntakeTenant }
  | { kind: 'over-quota'; quota: Quota | null }
  | { kind: 'key-taken' | 'not-replaceable'; id: RunId };

export class RunIntake<Tenant extends IntakeTenant> {
  readonly #quota: RunQuota;

  constructor(
    private readonly jobs: AssumedJobs<Tenant>,
    private readonly replica: Announcing,
    clock: Clock,
  ) {
    this.#quota = new RunQuota(clock);
  }

  /** The tenant is active, and the jobs have been checked. `quota` is the limit that was counted, null when none was. */
  async takeAll(
    tenant: IntakeTenant,
    wanted: readonly WantedRun[],
    { db, afterwards }: IntakeWriting,
  ): Promise<{ results: Enqueued[]; quota: Quota | null }> {
    const { room, quota } = await this.#roomFor(db, tenant, wanted.length);
    const said = await this.#withDefaults(db, tenant, wanted);
    const entries = inGivenOrder(said.map((run) => enqueueOf(tenant, run)));
    const results = await enqueueRuns(db, entries, { room });
    if (results.some(isNew)) afterwards(() => this.replica.hintWork([tenant.slot]));
    return { results, quota };
  }

  /** Resolves with the run's row, or with why there is none. */
  async takeLone<Misfit>(
    job: NamedJob<Tenant>,
    asked: LoneRun<Tenant, Misfit>,
    writing: IntakeWriting,
  ): Promise<Taken | Refused<Misfit>> {
    if (!job.isAssumed) return this.#take(job, asked, writing);
    const row =
      (await asked.check(job)) === null ? await this.#takeAssumed(job, asked.wanted, writing) : null;
    if (row !== null) return { kind: 'created', row };
    const names = { tenant: job.tenant.name, jobType: asked.wanted.jobType };
    const found = await this.jobs.read(writing.db, names);
    // The caller was let in to the assumed tenant, and to no other that has its name now.
    if (found?.tenant.id !== job.tenant.id) return { kind: 'no-tenant' };
    return this.#take(found, asked, writing);
  }

  /** Null when the assumed rows no longer hold; then nothing was written. An assumed tenant has no limit. */
  async #takeAssumed(
    { tenant, jobType, proof }: TenantAndJob<Tenant>,
    wanted: WantedRun,
    { db, afterwards }: IntakeWriting,
  ): Promise<RunRow | null> {
    const assumed = { tenantId: tenant.id, jobType: wanted.jobType, proof };
    const { run } = enqueueOf(tenant, withKeyDefaults(wanted, jobType));
    // What is written in the transaction of a request can't be claimed before its commit.
    const mayBeHeld = jobType !== null && !db.isTransaction;
    const taken = mayBeHeld ? await this.replica.takeIn({ tenant, jobType }, { run, assumed }) : null;
    const row = taken === null ? ((await insertAndShowRun(db, run, assumed)) ?? null) : taken.row;
    if (row !== null && taken?.isHeld !== true) afterwards(() => this.#announce(tenant, { jobType, row }));
    return row;
  }

  async #take<Misfit>(
    job: TenantAndJob<Tenant>,
    { wanted, check }: LoneRun<Tenant, Misfit>,
    { db, afterwards }: IntakeWriting,
  ): Promise<Taken | Refused<Misfit>> {
    const { tenant, jobType } = job;
    const why = await check(job);
    if (why !== null) return { kind: 'misfit', why };
    if (tenant.state !== 'active') return { kind: 'suspended', tenant };
    const { room, quota } = await this.#roomFor(db, tenant, 1);
    const { result, row } = await enqueueRun(db, enqueueOf(tenant, withKeyDefaults(wanted, jobType)), {
      room,
    });
    // One that is debounced waits, and is announced when its instant comes.
    const mayStart = isNew(result) && wanted.debounce === undefined;
    if (mayStart) afterwards(() => this.#announce(tenant, { jobType, row }));
    switch (result.kind) {
      case 'over-quota':
        return { kind: 'over-quota', quota };
      case 'key-taken':
      case 'not-replaceable':
        return result;
      default: {
        const found = row ?? (await findRun(db, { tenantId: tenant.id, id: result.id }));
        // A unique key may outlive its run's retention.
        return found === undefined ? { kind: 'key-taken', id: result.id } : { kind: result.kind, row: found };
      }
    }
  }

  #announce(tenant: Tenant, { jobType, row }: { jobType: JobType | null; row: RunRow | null }): void {
    const isSoon = row === null || row.state === 'queued';
    if (isSoon && jobType !== null) this.replica.expectRuns(tenant, jobType);
    this.replica.hintWork([tenant.slot]);
  }

  /** Reads the job types of those that leave it to them what becomes of their keys. */
  async #withDefaults(
    db: Database,
    { id: tenantId }: IntakeTenant,
    wanted: readonly WantedRun[],
  ): Promise<readonly WantedRun[]> {
    const names = new Set(wanted.filter(takesKeyDefaults).map(({ jobType }) => jobType));
    if (names.size === 0) return wanted;
    const found = await findJobTypes(
      db,
      [...names].map((name) => ({ tenantId, name })),
    );
    const known = new Map(
      found.flatMap(({ stored }) => (stored ? [[stored.name, parseJobType(stored)]] : [])),
    );
    return wanted.map((run) => withKeyDefaults(run, known.get(run.jobType)));
  }

  async #roomFor(db: Database, tenant: IntakeTenant, wanted: number) {
    return this.#quota.roomFor(db, { tenantId: tenant.id, wanted, isLimited: isLimited(tenant) });
  }
}

function isNew({ kind }: Enqueued): boolean {
  return kind === 'created' || kind === 'replaced';
}
