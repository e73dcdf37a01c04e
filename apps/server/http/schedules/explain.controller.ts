// Why did a schedule run at an instant, or why not?
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { explain } from '#scheduling/schedules/decisions/explain.js';
import { isLeftBehind, listFires } from '#scheduling/revisions/ledger.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { ApiTenant, instant, instantInput, resourceName } from '../requests/shapes.js';
import { requireReadableSpec, requireSchedule } from './require-schedule.js';
import { fire, showFire } from './schedule.shapes.js';

const query = z.strictObject({ at: instantInput.describe('To the millisecond, as the ledger has it.') });

const explanation = z
  .object({
    at: instant,
    isDue: z.boolean().describe('By the present spec.'),
    dueBefore: instant
      .nullable()
      .describe('The due time before it, by the present spec; null if none is within a year.'),
    dueAfter: instant.nullable().describe('The due time after it.'),
    fire: fire.nullable().describe('Its row of the ledger.'),
    text: z.string(),
  })
  .meta({ id: 'Explanation' });

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class ExplainController {
  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  @Get(':schedule\\:explain')
  @ApiOperation({
    operationId: 'explainSchedule',
    summary: 'Explain why a schedule ran at an instant, or why it did not',
  })
  @ApiOkResponse({ standardSchema: explanation })
  async explain(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Query({ schema: query }) { at: given }: z.output<typeof query>,
  ) {
    const schedule = await requireSchedule(this.db, tenant, name);
    const at = new Date(given);
    const [row] = await listFires(this.db, {
      scheduleId: schedule.id,
      from: at,
      before: new Date(at.getTime() + 1),
      outcome: null,
      isFolded: false,
      limit: 1,
    });
    const explained = explain({
      ...schedule,
      spec: requireReadableSpec(schedule),
      at,
      now: await databaseTime(this.db),
      fire: row ?? null,
      isLeftBehind: row === undefined && (await isLeftBehind(this.db, { scheduleId: schedule.id, at })),
    });
    return { at, ...explained, fire: row === undefined ? null : showFire(row) };
  }
}
