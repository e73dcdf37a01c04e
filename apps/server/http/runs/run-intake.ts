// Creates runs, the same way for one and for ten thousand: within the tenant's limit, in one transaction, with one
// hint to the owner of its slot once that is committed.
import { Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { enqueueRun, enqueueRuns, type Enqueue, type Enqueued } from '#execution/intake/enqueue.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { TenantLimits } from '#execution/limits/limits.js';
import { insertAndShowRun } from '#execution/intake/new-run.repository.js';
import { RunQuota, type Quota } from '#execution/intake/run-quota.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { asId, type RunId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { requireActive } from '../access/auth.guard.js';
import type { Writing } from '../access/idempotency.js';
import { ProblemError, type ProblemType } from '../problems/problem.js';
import type { RunInput } from './run.shapes.js';
import type { TenantAndJob } from '../access/tenant-and-job.repository.js';

export interface Intake {
  results: Enqueued[];
  /** The limit that was checked; null when none was. */
  quota: Quota | null;
}

@Injectable()
export class RunIntake {
  readonly #quota = new RunQuota(systemClock);

  constructor(private readonly replica: ReplicaService) {}

  /** The jobs have been checked. Throws a problem when the tenant is suspended. */
  async take(tenant: Tenant, inputs: readonly RunInput[], { db, afterwards }: Writing): Promise<Intake> {
    const { room, quota } = await this.#roomFor(db, { tenant, wanted: inputs.length });
    const results = await enqueueRuns(
      db,
      inputs.map((input) => enqueueOf(tenant, input)),
      { room },
    );
    if (results.some(isNew)) afterwards(() => this.replica.hintWork([tenant.slot]));
    return { results, quota };
  }

  /** Like `take`, for one run; also returns its row where that is known. The job type was read for this request. */
  async takeOne(
    tenant: Tenant,
    { input, jobType }: { input: RunInput; jobType: JobType | null },
    { db, afterwards }: Writing,
  ): Promise<{ result: Enqueued; row: RunRow | null; quota: Quota | null }> {
    const { room, quota } = await this.#roomFor(db, { tenant, wanted: 1 });
    const { result, row } = await enqueueRun(db, enqueueOf(tenant, input), { room });
    if (isNew(result)) afterwards(() => this.#announce(tenant, { jobType, row }));
    return { result, row, quota };
  }

  /**
   * Creates a run of an unlimited tenant on assumed rows. Null when they no longer hold; then nothing was written.
   */
  async takeAssumed(
    { tenant, jobType, proof }: TenantAndJob,
    input: RunInput,
    { db, afterwards }: Writing,
  ): Promise<RunRow | null> {
    const { run } = enqueueOf(tenant, input);
    const assumed = { tenantId: tenant.id, jobType: input.jobType, proof };
    const row = (await insertAndShowRun(db, run, assumed)) ?? null;
    if (row !== null) afterwards(() => this.#announce(tenant, { jobType, row }));
    return row;
  }

  #announce(tenant: Tenant, { jobType, row }: { jobType: JobType | null; row: RunRow | null }): void {
    const isSoon = row === null || row.state === 'queued';
    if (isSoon && jobType !== null) this.replica.expectRuns(tenant, jobType);
    this.replica.hintWork([tenant.slot]);
  }

  async #roomFor(db: Database, { tenant, wanted }: { tenant: Tenant; wanted: number }) {
    requireActive(tenant);
    const limits: TenantLimits = tenant.limits; // checked when they were set
    return this.#quota.roomFor(db, {
      tenantId: tenant.id,
      wanted,
      isLimited: limits.maxQueued !== undefined,
    });
  }
}

function isNew({ kind }: Enqueued): boolean {
  return kind === 'created' || kind === 'replaced';
}

/** The problem of a run that was not created; null for one that was. */
export function problemOf(result: Enqueued, key: string | undefined, quota: Quota | null) {
  switch (result.kind) {
    case 'created':
    case 'returned':
    case 'replaced':
      return null;
    case 'key-taken':
      return atKey(
        'already-exists',
        result.id,
        `expected a key that no run holds, got ${JSON.stringify(key)}, which run ${result.id} holds`,
      );
    case 'not-replaceable':
      return atKey(
        'invalid-state',
        result.id,
        `expected the run that holds the key to wait for its first attempt, got run ${result.id}, which is claimed, was tried, or has ended`,
      );
    case 'over-quota':
      return overQuota(quota ?? { max: 0, current: 0 });
  }
}

function overQuota({ max, current }: Quota): ProblemError {
  return new ProblemError(
    'quota-exceeded',
    `expected the tenant to have at most ${max} runs that are not over (maxQueued), got one more in addition to ${current}`,
    { limit: { name: 'maxQueued', max, current }, headers: { 'retry-after': '5' } },
  );
}

function atKey(type: ProblemType, run: RunId, detail: string): ProblemError {
  return new ProblemError(type, `/unique/key: ${detail}`, {
    run,
    errors: [{ pointer: '/unique/key', detail }],
  });
}

function enqueueOf(tenant: Tenant, input: RunInput): Enqueue {
  const { unique, delaySeconds = 0, runAt, deadline } = input;
  return {
    run: {
      id: asId.run(randomUUIDv7()),
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType: input.jobType,
      queue: input.queue,
      concurrencyKey: input.concurrencyKey ?? null,
      tags: input.tags,
      payload: input.payload,
      priority: input.priority,
      runAt: runAt === undefined ? null : new Date(runAt),
      delayMs: delaySeconds * 1_000,
      deadline: deadline === undefined ? null : new Date(deadline),
    },
    unique: unique === undefined ? null : uniqueOf(unique),
  };
}

function uniqueOf({ key, windowSeconds, onConflict }: NonNullable<RunInput['unique']>): Enqueue['unique'] {
  return { key, windowMs: windowSeconds === undefined ? null : windowSeconds * 1_000, onConflict };
}
