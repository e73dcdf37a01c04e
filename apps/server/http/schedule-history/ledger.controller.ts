// The ledger of a schedule: each due time with its outcome. It outlives its schedule.
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '#database/connection.js';
import { listFires, lookedUntil } from '#scheduling/revisions/ledger.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { PageTokens } from '../answers/page-token.js';
import { ApiTenant, pageOf } from '../requests/shapes.js';
import * as shapes from '../schedules/schedule.shapes.js';
import { requireHistory } from './require-history.js';

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
    operationId: 'listFires',
    summary: 'List the ledger',
    description:
      'Every due time and its outcome, newest first. For a deleted schedule, give its id in the place of its name.',
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.fire) })
  async fires(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: shapes.nameOrId }) name: string,
    @Query({ schema: shapes.firesQuery }) query: shapes.FiresQuery,
  ) {
    const scheduleId = await requireHistory(this.db, tenant, name);
    const { outcome = null, folded: isFolded } = query;
    const filter = { firesOf: scheduleId, from: query.from, to: query.to, outcome, isFolded };
    const token = this.pages.open(query.pageToken, filter);
    const before = token ?? query.to;
    const span = {
      scheduleId,
      from: query.from === undefined ? null : new Date(query.from),
      before: before === undefined ? null : new Date(before),
    };
    const rows = await listFires(this.db, { ...span, outcome, isFolded, limit: query.pageSize + 1 });
    const isBounded = outcome !== null || isFolded;
    const stoppedAt = isBounded ? await lookedUntil(this.db, span) : null;
    return this.pages.page(rows, {
      lookedUntil: stoppedAt?.toISOString() ?? null,
      size: query.pageSize,
      filter,
      keyOf: (row) => row.firstDueAt.toISOString(),
      show: shapes.showFire,
    });
  }
}
