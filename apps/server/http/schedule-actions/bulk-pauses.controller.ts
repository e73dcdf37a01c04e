// The routes that pause or resume all schedules that match a filter. The caller says how many it expects, so that a filter
// that means others than it thinks does nothing. An operation pauses or resumes them.
import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { startSteering, type Steering } from '#operations/schedule-states/steer.js';
import { namesOfMatching, SCHEDULES_LOOKED_AT } from '#scheduling/schedules/schedule-list.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { LoopTimers } from '../../loop-timers.js';
import { CurrentCaller, CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { OPERATIONS, startOperation } from '../operations/operation-starts.js';
import { operation } from '../operations/operation.shapes.js';
import { invalidField, ProblemError } from '../problems/problem.js';
import { ApiTenant } from '../requests/shapes.js';
import { filterInput, filterOfBody } from '../schedules/filters/filter.shapes.js';
import { pauseFields, resumeFields } from './pauses.shapes.js';

const fields = {
  filter: filterInput,
  expectedCount: z
    .int()
    .min(0)
    .max(SCHEDULES_LOOKED_AT)
    .optional()
    .describe('How many schedules match; if another number does, nothing is done. Only dryRun needs none.'),
  dryRun: z.boolean().default(false).describe('Only counts, and answers 200.'),
};
const saysHowMany = ({ expectedCount, dryRun }: { expectedCount?: number | undefined; dryRun: boolean }) =>
  expectedCount !== undefined || dryRun;
const HOW_MANY = {
  path: ['expectedCount'],
  error: 'expected how many schedules match, which dryRun tells',
};

const bulkPause = z.strictObject({ ...fields, ...pauseFields }).refine(saysHowMany, HOW_MANY);
const bulkResume = z.strictObject({ ...fields, ...resumeFields }).refine(saysHowMany, HOW_MANY);
type Asked = Omit<z.output<typeof bulkResume>, 'catchUp'>;

const matching = z.object({ matching: z.int() }).meta({ id: 'MatchingSchedules' });

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant')
export class BulkPausesController {
  constructor(private readonly timers: LoopTimers) {}

  @Post('schedules\\:pause')
  @WhileSuspended()
  @Idempotent()
  @HttpCode(202)
  @ApiOperation({ operationId: 'pauseSchedules', summary: 'Pause all schedules that match a filter' })
  @ApiOkResponse({ standardSchema: matching, description: 'With dryRun.' })
  @ApiAcceptedResponse({ standardSchema: operation })
  async pause(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: bulkPause }) { reason, until, ...asked }: z.output<typeof bulkPause>,
    @Writes() writing: Writing,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const end = await endOf(writing.db, until);
    const steering: Steering = { verb: 'pause', reason, until: end, by };
    return this.#steer(tenant, { asked, steering, writing, response });
  }

  @Post('schedules\\:resume')
  @Idempotent()
  @HttpCode(202)
  @ApiOperation({ operationId: 'resumeSchedules', summary: 'Resume all schedules that match a filter' })
  @ApiOkResponse({ standardSchema: matching, description: 'With dryRun.' })
  @ApiAcceptedResponse({ standardSchema: operation })
  async resume(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: bulkResume }) { catchUp, ...asked }: z.output<typeof bulkResume>,
    @Writes() writing: Writing,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#steer(tenant, { asked, steering: { verb: 'resume', catchUp, by }, writing, response });
  }

  async #steer(
    tenant: Tenant,
    {
      asked: { filter, expectedCount, dryRun },
      steering,
      writing,
      response,
    }: { asked: Asked; steering: Steering; writing: Writing; response: Response },
  ) {
    const wanted = { tenantId: tenant.id, filter: filterOfBody(filter), limit: SCHEDULES_LOOKED_AT + 1 };
    const names = await namesOfMatching(writing.db, wanted);
    if (dryRun) {
      refuseTooMany(names);
      response.status(200);
      return { matching: names.length };
    }
    if (names.length !== expectedCount) throw matchOthers(names.length, expectedCount);
    const wake = () => this.timers.wake(OPERATIONS);
    return startOperation({ tenant, writing, response, wake }, (tx) =>
      startSteering(tx, { tenantId: tenant.id, names, steering }),
    );
  }
}

async function endOf(db: Database, until: string | null | undefined): Promise<Date | null> {
  if (until === undefined || until === null) return null;
  const [end, now] = [new Date(until), await databaseTime(db)];
  if (end > now) return end;
  throw invalidField('/until', `expected an instant after ${now.toISOString()}, got ${until}`);
}

const MAX = SCHEDULES_LOOKED_AT.toLocaleString('en');

function refuseTooMany({ length }: readonly string[]): void {
  if (length > SCHEDULES_LOOKED_AT)
    throw invalidField('/filter', `expected a filter that at most ${MAX} schedules match, got more`);
}

function matchOthers(got: number, expected: number | undefined): ProblemError {
  const many = got > SCHEDULES_LOOKED_AT ? `more than ${MAX}` : String(got);
  return new ProblemError('invalid-state', `expected ${expected} schedules to match the filter, got ${many}`);
}
