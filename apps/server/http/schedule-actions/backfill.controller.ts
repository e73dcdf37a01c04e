// The route that makes runs for due times of a schedule that have passed without one. The due times are found in the
// request, so that one that asks for too many is refused; an operation makes the runs.
import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { databaseTime } from '#database/time.repository.js';
import { countThere, startBackfill } from '#operations/backfill/backfill.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { LoopTimers } from '../../loop-timers.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import type { Turn } from '../access/request-turns.js';
import { JobCheck } from '../job-types/job-check.js';
import { OPERATIONS, startOperation } from '../operations/operation-starts.js';
import { operation } from '../operations/operation.shapes.js';
import { invalidField } from '../problems/problem.js';
import { ApiTenant, instantInput, resourceName } from '../requests/shapes.js';
import { spanOf } from '../runs/run.shapes.js';
import { refuseFollowing } from '../schedules/policies/following.shapes.js';
import { PastDueTimes, type DueTimesFound, type Span } from '../schedules/computing/past-due-times.js';
import { requireReadableSpec, requireSchedule } from '../schedules/require-schedule.js';

const DUE_TIMES_MAX = 10_000;
const UNFINISHED_MAX = 1_000;
const UNFINISHED_DEFAULT = 10;

const backfillInput = z
  .strictObject({
    from: instantInput.describe('Inclusive.'),
    to: instantInput.describe('Exclusive; at most now.'),
    dryRun: z.boolean().default(false).describe('Only counts, and answers 200.'),
    maxUnfinished: z
      .int()
      .min(1)
      .max(UNFINISHED_MAX)
      .default(UNFINISHED_DEFAULT)
      .describe('At most so many of its runs are unfinished at a time.'),
    payload: z.unknown().optional().describe("Default: the schedule's."),
  })
  .superRefine(spanOf('from', 'to'));
type BackfillInput = z.output<typeof backfillInput>;

const counted = z
  .object({
    dueTimes: z.int(),
    alreadyThere: z.int().describe('Of these, how many have run, or are planned.'),
    wouldRun: z.int(),
  })
  .meta({ id: 'BackfillCount' });

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class BackfillController {
  constructor(
    private readonly dueTimes: PastDueTimes,
    private readonly check: JobCheck,
    private readonly timers: LoopTimers,
  ) {}

  @Post(':schedule\\:backfill')
  @Idempotent()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'backfillSchedule',
    summary: 'Make runs for due times that have passed without one, also of a paused schedule',
    description: 'What has run already does not run again.',
  })
  @ApiOkResponse({ standardSchema: counted, description: 'With dryRun.' })
  @ApiAcceptedResponse({ standardSchema: operation })
  async backfill(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: backfillInput }) input: BackfillInput,
    @Writes() writing: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { db } = writing;
    const schedule = await requireSchedule(db, tenant, name);
    refuseFollowing(schedule);
    const { maxUnfinished, payload, dryRun } = input;
    const { jobType } = schedule;
    await this.check.require(tenant, { jobType, payload: payload ?? schedule.payload }, db);
    const span = spanUntil(input, await databaseTime(db));
    const dueTimes = await this.#find(tenant, schedule, { span, turn, mayWait: !db.isTransaction });
    if (dryRun) {
      const alreadyThere = await countThere(db, { scheduleId: schedule.id, dueTimes });
      response.status(200);
      return { dueTimes: dueTimes.length, alreadyThere, wouldRun: dueTimes.length - alreadyThere };
    }
    const wanted = { tenantId: tenant.id, schedule, dueTimes, maxUnfinished, payload };
    const wake = () => this.timers.wake(OPERATIONS);
    return startOperation({ tenant, writing, response, wake }, (tx) => startBackfill(tx, wanted));
  }

  /** With a transaction in hand a request must not wait for others of its tenant, which may need its session. */
  async #find(
    tenant: Tenant,
    schedule: Schedule,
    { span, turn, mayWait }: { span: Span; turn: Turn; mayWait: boolean },
  ): Promise<Date[]> {
    const spec = requireReadableSpec(schedule);
    const find = () => this.dueTimes.findIn(spec, span, DUE_TIMES_MAX);
    const found = await (mayWait ? this.dueTimes.act(tenant, turn, find) : find());
    if (found.kind === 'all') return found.dueTimes;
    throw invalidField('/to', whatIsTooMuch(found));
  }
}

function spanUntil({ from, to }: BackfillInput, now: Date): Span {
  const span = { from: new Date(from), to: new Date(to) };
  if (span.to <= now) return span;
  throw invalidField('/to', `expected an instant that is not after now (${now.toISOString()}), got ${to}`);
}

function whatIsTooMuch(found: Exclude<DueTimesFound, { kind: 'all' }>): string {
  const max = DUE_TIMES_MAX.toLocaleString('en');
  if (found.kind === 'too-many') return `expected a span with at most ${max} due times, got more than ${max}`;
  const { until } = found;
  return `expected a span whose due times are found in 2 s of computing, such as up to ${until.toISOString()} (${found.found} due times), got a longer one`;
}
