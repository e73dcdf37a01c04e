// How is a schedule patched while other changes race? The patch is merged with the schedule as it was read, and the
// result is checked against the job type before any lock is taken, since a check may take long. So the write is
// refused when another change came first. A caller that named a revision gets that refusal. With `*` the patch is
// merged again with the new revision, until it comes first. A replica makes such edits of one schedule one after the
// other, since each loser has been checked in vain: forty racing edits took five seconds.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { databaseTime } from '#database/time.repository.js';
import { GateTurns } from '#server/http/access/tenant-turns.js';
import { KeyTurns } from '#server/http/requests/key-turns.js';
import type { Turn } from '#server/http/access/request-turns.js';
import type { ScheduleRef } from '#scheduling/schedules/held-schedule.js';
import { changeSchedule, type ChangeResult, type ScheduleChange } from '#scheduling/schedules/schedules.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { JobCheck } from '../job-types/job-check.js';
import { requireSemaphores } from '../job-types/lock-check.js';
import { ProblemError } from '../problems/problem.js';
import { Counts } from './computing/counts.js';
import { patchedLabels } from './filters/labels.shapes.js';
import { refuseKeyBesideOverlap } from './policies/overlap.shapes.js';
import { patchedSpec } from './patched-spec.js';
import { requireCounted, requireSchedule } from './require-schedule.js';
import { patchedPayload, runOptionsOf, type SchedulePatch } from './schedule.shapes.js';

/** Counted from when the edit arrived. Of racing edits in several replicas, one succeeds each time. */
const TRY_FOR_MS = 5_000;

export interface ScheduleEdit {
  name: string;
  /** The revision that the caller has seen; null for any. */
  revision: number | null;
  patch: SchedulePatch;
  turn: Turn;
  by: string;
}

@Injectable()
export class ScheduleEdits {
  /** The key is the tenant and the name. */
  readonly #turns = new KeyTurns<string>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly jobs: JobCheck,
    private readonly gate: GateTurns,
    private readonly counts: Counts,
  ) {}

  /** Throws a problem for a patch that does not fit. */
  async make(tenant: Tenant, edit: ScheduleEdit): Promise<ChangeResult> {
    return this.untilFirst(tenant, edit, () => this.#tryOnce(tenant, edit));
  }

  /** Tries once where the caller has seen a revision, and otherwise until no other change has come first. */
  async untilFirst<Result extends { kind: string }>(
    tenant: Tenant,
    { name, revision, turn }: Omit<ScheduleEdit, 'patch' | 'by'>,
    tryOnce: () => Promise<Result>,
  ): Promise<Result> {
    if (revision !== null) return tryOnce();
    const untilMs = systemClock.monotonicMs() + TRY_FOR_MS;
    return this.#turns.act(`${tenant.id}/${name}`, turn, async () => {
      while (systemClock.monotonicMs() < untilMs) {
        const result = await tryOnce();
        if (result.kind !== 'stale') return result;
      }
      throw tooManyChanges();
    });
  }

  /** Once those of the tenant's changes that came before are through the gate of its owner. */
  async changeInTurn(
    turn: Turn,
    ref: ScheduleRef & { tenant: Pick<Tenant, 'id' | 'limits'> },
    change: ScheduleChange,
  ): Promise<ChangeResult> {
    return this.gate.act(ref.tenant, turn, () => changeSchedule(this.db, ref, change));
  }

  async #tryOnce(tenant: Tenant, { name, revision, patch, turn, by }: ScheduleEdit): Promise<ChangeResult> {
    const current = await requireSchedule(this.db, tenant, name);
    const payload = patchedPayload(patch, current.payload);
    // Only changed values are checked: a schedule whose job type is gone can still be given other times.
    if (patch.jobType !== undefined || payload !== undefined) {
      await this.jobs.require(tenant, {
        jobType: patch.jobType ?? current.jobType,
        payload: payload ?? current.payload,
      });
    }
    refuseKeyBesideOverlap(patch, current);
    await requireSemaphores(this.db, tenant, { locks: patch.locks, pointer: '/locks' });
    const draft = patchedSpec(patch, current.spec, await databaseTime(this.db));
    const spec = draft && (await requireCounted(this.counts, draft, { db: this.db, tenant }));
    // Based on the revision that was just read, so that the merge can't overwrite a newer one unseen.
    const ref = { tenant, name, revision: revision ?? current.revision, by };
    const { jobType, catchUp } = patch;
    const runOptions = runOptionsOf(patch, patchedLabels(patch, current));
    const change = { kind: 'edit', jobType, payload, spec, catchUp, runOptions } as const;
    return this.changeInTurn(turn, ref, change);
  }
}

export function tooManyChanges(): ProblemError {
  return new ProblemError(
    'request-in-progress',
    `expected no other change of the schedule to come first for ${TRY_FOR_MS / 1_000} s, got one each time; send the request again`,
    { headers: { 'retry-after': '1' } },
  );
}
