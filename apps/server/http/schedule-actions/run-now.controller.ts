// The route that runs a schedule's job at once, beside its due times. The run has what the schedule's runs have, and no due
// time: it is in no ledger, and no change of the schedule takes it back.
import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { databaseTime } from '#database/time.repository.js';
import { AssumedJobs, type TenantAndJob } from '#execution/intake/assumed-jobs.js';
import { RunIntake } from '#execution/intake/run-intake.js';
import { DEFAULT_OVERLAP } from '#kernel/schedule-key.js';
import type { WantedRun } from '#execution/intake/wanted-run.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { keyOfRuns } from '#scheduling/schedules/stored-run-options.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from '../job-types/job-check.js';
import { notFound } from '../problems/problem.js';
import { ApiTenant, resourceName } from '../requests/shapes.js';
import { refusalOf } from '../runs/run-requests.js';
import { run as runShape, showRun } from '../runs/run.shapes.js';
import { refuseKeyBesideOverlap } from '../schedules/policies/overlap.shapes.js';
import { requireSchedule } from '../schedules/require-schedule.js';
import { optionsOfRuns } from '../schedules/schedule.shapes.js';

const runNowInput = z
  .strictObject({
    payload: z.unknown().optional().describe("Default: the schedule's."),
    ...z.object(optionsOfRuns).partial().shape,
    force: z
      .boolean()
      .default(false)
      .describe("Start it beside a running run of the schedule, against the schedule's overlap."),
  })
  .prefault({});
type RunNowInput = z.output<typeof runNowInput>;

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class RunNowController {
  constructor(
    private readonly jobs: AssumedJobs<Tenant>,
    private readonly check: JobCheck,
    private readonly intake: RunIntake<Tenant>,
  ) {}

  @Post(':schedule\\:run')
  @Idempotent()
  @ApiOperation({
    operationId: 'runSchedule',
    summary: "Run a schedule's job at once, also while it is paused",
    description: 'What is not given is as in the schedule, and its due times stay.',
  })
  @ApiCreatedResponse({ standardSchema: runShape })
  async run(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: runNowInput }) input: RunNowInput,
    @Writes() writing: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    const schedule = await requireSchedule(writing.db, tenant, name);
    if (!input.force) refuseKeyBesideOverlap(input, schedule);
    const wanted = wantedOf(schedule, input, await databaseTime(writing.db));
    const job = await this.jobs.read(writing.db, { tenant: tenant.name, jobType: wanted.jobType });
    // Another tenant may have the name by now.
    if (job?.tenant.id !== tenant.id) throw notFound('tenant', tenant.name);
    const check = (named: TenantAndJob<Tenant>) => this.check.problemOf(named.tenant, named.jobType, wanted);
    const taken = await this.intake.takeLone({ ...job, isAssumed: false }, { wanted, check }, writing);
    if (!('row' in taken)) throw refusalOf(taken, tenant.name, undefined);
    response.setHeader('Location', `/api/v1/tenants/${tenant.name}/runs/${taken.row.id}`);
    return showRun({ ...taken.row, schedule: name });
  }
}

function wantedOf(schedule: Schedule, input: RunNowInput, now: Date): WantedRun {
  const deadlineSeconds = input.deadlineSeconds ?? schedule.deadlineSeconds;
  return {
    jobType: schedule.jobType,
    scheduleId: schedule.id,
    locks: schedule.locks ?? undefined,
    payload: input.payload === undefined ? schedule.payload : input.payload,
    queue: input.queue ?? schedule.queue ?? undefined,
    concurrencyKey: input.concurrencyKey ?? keyOf(schedule, input.force),
    tags: input.tags ?? schedule.tags ?? undefined,
    priority: input.priority ?? schedule.priority ?? undefined,
    deadline: deadlineSeconds === null ? undefined : new Date(now.getTime() + deadlineSeconds * 1_000),
  };
}

function keyOf({ id, overlap, concurrencyKey, locks }: Schedule, isForced: boolean): string | undefined {
  return keyOfRuns(id, { overlap: isForced ? DEFAULT_OVERLAP : overlap, concurrencyKey, locks }) ?? undefined;
}
