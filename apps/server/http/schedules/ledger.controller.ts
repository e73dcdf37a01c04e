// What became of a schedule's due times? The ledger, which outlives its schedule.
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '#database/connection.js';
import { hasLedger, listFires } from '#scheduling/schedules/ledger.repository.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import { asId, type ScheduleId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { PageTokens } from '../answers/page-token.js';
import { ProblemError } from '../problems/problem.js';
import { ApiTenant, pageOf, resourceName, uuid } from '../requests/shapes.js';
import * as shapes from './schedule.shapes.js';

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class LedgerController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
  ) {}

  @Get(':schedule/fires')
  @ApiOperation({
    summary: 'The ledger: every due time and what became of it, newest first',
    description: "Of a schedule that was deleted it is read by the schedule's id in the place of its name.",
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.fire) })
  async fires(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Query({ schema: shapes.firesQuery }) query: shapes.FiresQuery,
  ) {
    const scheduleId = await this.#ledgerOf(tenant, name);
    const filter = { firesOf: scheduleId, from: query.from, to: query.to };
    const token = this.pages.open(query.pageToken, filter);
    const before = token ?? query.to;
    const rows = await listFires(this.db, {
      scheduleId,
      from: query.from === undefined ? null : new Date(query.from),
      before: before === undefined ? null : new Date(before),
      limit: query.pageSize + 1,
    });
    return this.pages.page(rows, {
      size: query.pageSize,
      filter,
      keyOf: (row) => row.dueAt.toISOString(),
      show: shapes.showFire,
    });
  }

  /**
   * A name that is free again may be another schedule's by now, so what is left of a deleted one is found by its id
   * alone.
   */
  async #ledgerOf(tenant: Tenant, nameOrId: string): Promise<ScheduleId> {
    const schedule = await findSchedule(this.db, { tenantId: tenant.id, name: nameOrId });
    if (schedule !== undefined) return schedule.id;
    const scheduleId = asId.schedule(nameOrId);
    const isId = uuid.safeParse(nameOrId).success;
    if (isId && (await hasLedger(this.db, { tenantId: tenant.id, scheduleId }))) return scheduleId;
    const detail = `expected schedule ${JSON.stringify(nameOrId)} to exist, found none; the ledger of one that was deleted is read by its id, which its runs show as scheduleId`;
    throw new ProblemError('not-found', detail);
  }
}
