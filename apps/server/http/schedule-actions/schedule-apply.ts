// Makes a schedule what its whole content says, for a request and for code that defines it: creates it, replaces it, or
// finds the same content there already and changes nothing. How a schedule is paused is no part of what it says, and
// stays.
import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { DEFAULT_OVERLAP } from '#kernel/schedule-key.js';
import { DEFAULT_CATCH_UP } from '#scheduling/decisions/catch-up.js';
import { findSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import { createSchedule, type ChangeResult } from '#scheduling/schedules/schedules.js';
import { isCodes } from '#scheduling/schedules/schedule-source.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import type { LongStay } from '../access/auth.guard.js';
import { requireRoom } from '../access/tenant-shares.js';
import { JobCheck } from '../job-types/job-check.js';
import { requireSemaphores } from '../job-types/lock-check.js';
import { alreadyThere } from '../answers/etag.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { Counts } from '../schedules/computing/counts.js';
import { changedDraft } from '../schedules/patched-spec.js';
import { refuseKeyBesideOverlap } from '../schedules/policies/overlap.shapes.js';
import { requireCounted } from '../schedules/require-schedule.js';
import { ScheduleEdits } from '../schedules/schedule-edits.js';
import * as shapes from '../schedules/schedule.shapes.js';
import { invalidSpec, specOf } from '../schedules/spec.shapes.js';

export interface Applied {
  name: string;
  input: shapes.ScheduleApplied;
  source: Schedule['source'];
  /** Null for any. */
  revision: number | null;
  mayCreate: boolean;
  mayReplace: boolean;
  /** Asked before a schedule is replaced, with it in hand. */
  isStillWanted?: (tx: Tx) => Promise<boolean>;
  turn: LongStay['turn'];
  by: string;
}

export type ApplyResult =
  ChangeResult | { kind: 'created'; schedule: Schedule } | { kind: 'same'; schedule: Schedule };

@Injectable()
export class ScheduleApply {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly jobs: JobCheck,
    private readonly edits: ScheduleEdits,
    private readonly counts: Counts,
  ) {}

  /** Throws a problem for content that does not fit. */
  async make(tenant: Tenant, applied: Applied): Promise<ApplyResult> {
    refuseKeyBesideOverlap(applied.input);
    return this.edits.untilFirst(tenant, applied, () => this.#tryOnce(tenant, applied));
  }

  async #tryOnce(tenant: Tenant, applied: Applied): Promise<ApplyResult> {
    const current = await findSchedule(this.db, { tenantId: tenant.id, name: applied.name });
    if (current !== undefined) return this.#replace(tenant, current, applied);
    if (!applied.mayCreate) throw notFound('schedule', applied.name);
    return this.#create(tenant, applied);
  }

  async #create(tenant: Tenant, { name, input, source, by }: Applied): Promise<ApplyResult> {
    await this.jobs.require(tenant, input);
    await requireSemaphores(this.db, tenant, { locks: input.locks, pointer: '/locks' });
    const spec = await requireCounted(this.counts, specOf(input, await databaseTime(this.db)), {
      db: this.db,
      tenant,
    });
    const { jobType, payload, catchUp } = input;
    const wanted = {
      name,
      jobType,
      payload,
      catchUp,
      spec,
      source,
      by,
      runOptions: shapes.runOptionsOf(input, input.labels),
    };
    try {
      return await inTransaction(this.db, async (tx) => {
        await requireRoom(tx, tenant, { name: 'maxSchedules' });
        const created = await createSchedule(tx, tenant, wanted);
        if (created.kind === 'invalid-spec') throw invalidSpec(created);
        // Thrown inside: a transaction with a refused statement can't commit.
        if (created.kind === 'name-taken') throw new NameTaken();
        return created;
      });
    } catch (error) {
      // Another request made it first, and this one is tried again on what that one has made.
      if (error instanceof NameTaken) return { kind: 'stale', currentRevision: 1 };
      throw error;
    }
  }

  async #replace(
    tenant: Tenant,
    current: Schedule,
    { input, source, revision, mayReplace, name, turn, by, isStillWanted }: Applied,
  ): Promise<ApplyResult> {
    if (!mayReplace) throw alreadyThere('schedule', current.name, current.revision);
    if (revision !== null && revision !== current.revision)
      return { kind: 'stale', currentRevision: current.revision };
    if (source === 'api' && isCodes(current)) return { kind: 'defined-in-code', jobType: current.jobType };
    if (source === 'code' && current.source === 'api' && current.jobType !== input.jobType)
      throw ofAnotherJob(current, input.jobType);
    const draft = changedDraft(specOf(input, await databaseTime(this.db)), current.spec);
    const isSameJob = input.jobType === current.jobType && isDeepStrictEqual(input.payload, current.payload);
    const isSameSource = source === current.source && current.removedFromCodeAt === null;
    const isSame = isSameSource && isSameJob && isDeepStrictEqual(optionsOf(input), optionsOf(current));
    if (draft === undefined && isSame) return { kind: 'same', schedule: current };
    // Only changed values are checked, as in a patch.
    if (!isSameJob) await this.jobs.require(tenant, input);
    if (!isDeepStrictEqual(input.locks ?? [], current.locks ?? []))
      await requireSemaphores(this.db, tenant, { locks: input.locks, pointer: '/locks' });
    const spec = draft && (await requireCounted(this.counts, draft, { db: this.db, tenant }));
    const { jobType, payload, catchUp = null } = input;
    const runOptions = { ...NO_OPTIONS, ...shapes.runOptionsOf(input, input.labels) };
    const wanted = { jobType, payload, spec, catchUp, runOptions, source, isStillWanted };
    const ref = { tenant, name, revision: current.revision, by };
    return this.edits.changeInTurn(turn, ref, { kind: 'edit', ...wanted });
  }
}

class NameTaken extends Error {}

const NO_OPTIONS = {
  queue: null,
  concurrencyKey: null,
  tags: null,
  priority: null,
  deadlineSeconds: null,
  pauseAfterFailures: null,
  jitterSeconds: null,
  locks: null,
  overlap: DEFAULT_OVERLAP,
  labels: {},
};

/** With the defaults in the place of what is not given, whether it is null or missing. */
function optionsOf(said: Schedule | shapes.ScheduleApplied) {
  return {
    catchUp: said.catchUp === undefined ? DEFAULT_CATCH_UP : said.catchUp,
    queue: said.queue ?? 'default',
    concurrencyKey: said.concurrencyKey ?? null,
    tags: said.tags ?? [],
    priority: said.priority ?? 0,
    deadlineSeconds: said.deadlineSeconds ?? null,
    pauseAfterFailures: said.pauseAfterFailures ?? null,
    jitterSeconds: said.jitterSeconds || null,
    locks: said.locks ?? [],
    overlap: said.overlap ?? DEFAULT_OVERLAP,
    labels: said.labels ?? {},
  };
}

/** A key of a worker must not turn any schedule into its own. */
function ofAnotherJob({ name, jobType }: Schedule, wanted: string): ProblemError {
  const detail = `expected schedule ${name} to be new, or to have job type ${wanted}, got one with job type ${jobType} that a request has made`;
  return new ProblemError('already-exists', detail);
}
