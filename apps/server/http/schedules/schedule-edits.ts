// What becomes of a schedule that is patched while others change it, too? A patch is merged with what was read, and that is
// checked against the job type before anything is locked, since a check may take long. So the write is refused when another
// change came between. A caller who named the revision is told; for one who said `*`, any revision will do, so
// the patch is merged anew with what came between, until it is the first. Those of one schedule have their turns one after
// another in a replica, since each that loses has been checked in vain: forty that raced took five seconds.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { databaseTime } from '#database/time.repository.js';
import { KeyTurns } from '#server/http/access/key-turns.js';
import { changeSchedule, type ChangeResult } from '#scheduling/schedules/schedules.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { JobCheck } from '../job-types/job-check.js';
import { ProblemError } from '../problems/problem.js';
import { requireSchedule } from './require-schedule.js';
import { patchedPayload, patchedSpec, type SchedulePatch } from './schedule.shapes.js';

/** From when it came. Of the replicas' changes that meet, one is the first each time. */
const TRY_FOR_MS = 5_000;

export interface ScheduleEdit {
  name: string;
  /** The one that the caller has seen; null for any. */
  revision: number | null;
  patch: SchedulePatch;
}

@Injectable()
export class ScheduleEdits {
  /** By tenant and name. */
  readonly #turns = new KeyTurns<string>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly jobs: JobCheck,
  ) {}

  /** Throws a problem for a patch that does not fit. */
  async make(tenant: Tenant, edit: ScheduleEdit): Promise<ChangeResult> {
    if (edit.revision !== null) return this.#tryOnce(tenant, edit);
    const untilMs = systemClock.monotonicMs() + TRY_FOR_MS;
    const place = this.#turns.join(`${tenant.id}/${edit.name}`);
    try {
      await place.isNext;
      while (systemClock.monotonicMs() < untilMs) {
        const result = await this.#tryOnce(tenant, edit);
        if (result.kind !== 'stale') return result;
      }
      throw tooManyChanges();
    } finally {
      place.leave();
    }
  }

  async #tryOnce(tenant: Tenant, { name, revision, patch }: ScheduleEdit): Promise<ChangeResult> {
    const current = await requireSchedule(this.db, tenant, name);
    const payload = patchedPayload(patch, current.payload);
    // Only what is new is checked: a schedule whose job type is gone can still be given other times.
    if (patch.jobType !== undefined || payload !== undefined) {
      await this.jobs.require(tenant, {
        jobType: patch.jobType ?? current.jobType,
        payload: payload ?? current.payload,
      });
    }
    const spec = patchedSpec(patch, current.spec, await databaseTime(this.db));
    // Based on what was just read, so that what was merged from it can't overwrite a newer one unseen.
    const ref = { tenant, name, revision: revision ?? current.revision };
    return changeSchedule(this.db, ref, { kind: 'edit', jobType: patch.jobType, payload, spec });
  }
}

function tooManyChanges(): ProblemError {
  return new ProblemError(
    'replica-busy',
    `expected a moment without other changes of the schedule within ${TRY_FOR_MS / 1_000} s, got one after the other; send it again`,
    { headers: { 'retry-after': '1' } },
  );
}
