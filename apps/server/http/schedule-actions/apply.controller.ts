// The route that applies a whole schedule: afterwards the schedule is as the request says, and has the default where it
// says nothing. So the same file can be applied again and again, and only what differs changes something. How a schedule
// is paused is no part of what it says, and stays.
import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Headers, Inject, Param, Put, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { inTransaction, type Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { DEFAULT_OVERLAP } from '#kernel/schedule-key.js';
import { DEFAULT_CATCH_UP } from '#scheduling/decisions/catch-up.js';
import { findSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import { changeSchedule, createSchedule, type ChangeResult } from '#scheduling/schedules/schedules.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { GateTurns } from '../access/tenant-turns.js';
import { requireRoom } from '../access/tenant-shares.js';
import { ApiApplies, isStar, revisionOf } from '../answers/etag.js';
import { JobCheck } from '../job-types/job-check.js';
import { invalidField, notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant } from '../requests/shapes.js';
import { answerOf, answerWith } from '../schedules/change-answers.js';
import { Counts } from '../schedules/computing/counts.js';
import { changedDraft } from '../schedules/patched-spec.js';
import { refuseKeyBesideOverlap } from '../schedules/policies/overlap.shapes.js';
import { requireCounted } from '../schedules/require-schedule.js';
import { ScheduleEdits } from '../schedules/schedule-edits.js';
import * as shapes from '../schedules/schedule.shapes.js';
import { invalidSpec, specOf } from '../schedules/spec.shapes.js';

interface Applied {
  name: string;
  input: shapes.ScheduleApplied;
  /** Null for any. */
  revision: number | null;
  mayCreate: boolean;
  mayReplace: boolean;
  turn: LongStay['turn'];
}

type ApplyResult =
  ChangeResult | { kind: 'created'; schedule: Schedule } | { kind: 'same'; schedule: Schedule };

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class ApplyController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly replica: ReplicaService,
    private readonly jobs: JobCheck,
    private readonly edits: ScheduleEdits,
    private readonly gate: GateTurns,
    private readonly counts: Counts,
  ) {}

  @Put(':schedule')
  @ApiApplies()
  @ApiOperation({
    summary:
      'Create or replace a schedule: what is left out has its default; the same content again changes nothing',
  })
  @ApiCreatedResponse({ standardSchema: shapes.schedule })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async apply(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: shapes.newName }) name: string,
    @Body({ schema: shapes.scheduleApplied }) input: shapes.ScheduleApplied,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ) {
    if (input.name !== undefined && input.name !== name)
      throw invalidField('/name', `expected the name in the path, ${name}, or none, got ${input.name}`);
    refuseKeyBesideOverlap(input);
    const revision = ifMatch === undefined ? null : revisionOf(ifMatch);
    const mayReplace = !isStar(ifNoneMatch);
    const applied = { name, input, revision, mayCreate: ifMatch === undefined, mayReplace, turn };
    const result = await this.edits.untilFirst(tenant, { name, revision, turn }, () =>
      this.#tryOnce(tenant, applied),
    );
    switch (result.kind) {
      case 'same':
        return answerWith(result.schedule, response);
      case 'created':
        response.status(201).setHeader('Location', `/api/v1/tenants/${tenant.name}/schedules/${name}`);
        this.replica.hintPlan();
        return answerWith(result.schedule, response);
      default: {
        const shown = answerOf(result, { name, revision, verb: 'replaced' }, response);
        this.replica.hintPlan();
        return shown;
      }
    }
  }

  async #tryOnce(tenant: Tenant, applied: Applied): Promise<ApplyResult> {
    const current = await findSchedule(this.db, { tenantId: tenant.id, name: applied.name });
    if (current !== undefined) return this.#replace(tenant, current, applied);
    if (!applied.mayCreate) throw notFound('schedule', applied.name);
    return this.#create(tenant, applied);
  }

  async #create(tenant: Tenant, { name, input }: Applied): Promise<ApplyResult> {
    await this.jobs.require(tenant, input);
    const spec = await requireCounted(this.counts, specOf(input, await databaseTime(this.db)), {
      db: this.db,
      tenant,
    });
    const { jobType, payload, catchUp } = input;
    const wanted = { name, jobType, payload, catchUp, spec, runOptions: shapes.runOptionsOf(input) };
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
    { input, revision, mayReplace, name, turn }: Applied,
  ): Promise<ApplyResult> {
    if (!mayReplace) throw isThere(current);
    if (revision !== null && revision !== current.revision)
      return { kind: 'stale', currentRevision: current.revision };
    const draft = changedDraft(specOf(input, await databaseTime(this.db)), current.spec);
    const isSameJob = input.jobType === current.jobType && isDeepStrictEqual(input.payload, current.payload);
    if (draft === undefined && isSameJob && isDeepStrictEqual(optionsOf(input), optionsOf(current)))
      return { kind: 'same', schedule: current };
    // Only changed values are checked, as in a patch.
    if (!isSameJob) await this.jobs.require(tenant, input);
    const spec = draft && (await requireCounted(this.counts, draft, { db: this.db, tenant }));
    const { jobType, payload, catchUp = null } = input;
    const runOptions = { ...NO_OPTIONS, ...shapes.runOptionsOf(input) };
    const change = { kind: 'edit', jobType, payload, spec, catchUp, runOptions } as const;
    const ref = { tenant, name, revision: current.revision };
    return this.gate.act(tenant, turn, () => changeSchedule(this.db, ref, change));
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
  overlap: DEFAULT_OVERLAP,
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
    overlap: said.overlap ?? DEFAULT_OVERLAP,
  };
}

function isThere({ name, revision }: Schedule): ProblemError {
  const detail = `expected no schedule named ${name}, as If-None-Match: * says, got one of revision ${revision}`;
  return new ProblemError('etag-mismatch', detail, { currentRevision: revision });
}
