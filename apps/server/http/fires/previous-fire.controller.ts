// The route that tells what became of the schedule's due times before that of a run.
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '#database/connection.js';
import { findPreviousFire } from '#execution/runs/previous-fire.repository.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import { asId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { previousFire } from './previous-fire.shapes.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, uuid } from '../requests/shapes.js';

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs')
export class PreviousFireController {
  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  @Get(':run\\:previousFire')
  @ApiOperation({
    operationId: 'getPreviousFireOfRun',
    summary:
      "Read which due time of a run's schedule ran before the run's own, and how many since then did not",
  })
  @ApiOkResponse({ standardSchema: previousFire })
  async read(@CurrentTenant() tenant: Tenant, @Param('run', { schema: uuid }) id: string) {
    const run = await findRun(this.db, { tenantId: tenant.id, id: asId.run(id) });
    if (run === undefined) throw notFound('run', id);
    const found = await findPreviousFire(this.db, { tenantId: tenant.id, ...run });
    if (found !== null) return found;
    throw new ProblemError(
      'invalid-state',
      `expected a run that is due by a schedule, got ${id}, which is not`,
    );
  }
}
