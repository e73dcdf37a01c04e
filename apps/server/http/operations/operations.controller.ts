// The routes of operations, long work that requests have started: how far it is, and how it is cancelled.
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '#database/connection.js';
import { asId } from '#kernel/ids.js';
import {
  cancelOperation,
  findOperation,
  listOperations,
  type Operation,
} from '#operations/operation.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { PageTokens } from '../answers/page-token.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, pageOf, uuid } from '../requests/shapes.js';
import * as shapes from './operation.shapes.js';

@ApiTags('operations')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/operations')
export class LongOperationsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listOperations',
    summary: "List the tenant's operations, the newest first",
    description: 'Ended ones for 30 days.',
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.operation) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: shapes.operationsQuery }) { pageSize, pageToken }: shapes.OperationsQuery,
  ) {
    const filter = { operationsOf: tenant.id };
    const last = this.pages.open(pageToken, filter);
    const before = last === null ? null : asId.operation(last);
    const rows = await listOperations(this.db, { tenantId: tenant.id, before, limit: pageSize + 1 });
    return this.pages.page(rows, {
      size: pageSize,
      filter,
      keyOf: (row) => row.id,
      show: shapes.showOperation,
    });
  }

  @Get(':operation')
  @ApiOperation({
    operationId: 'getOperation',
    summary: 'Read an operation',
    description: 'How far it is, and what became of it.',
  })
  @ApiOkResponse({ standardSchema: shapes.operation })
  async read(@CurrentTenant() tenant: Tenant, @Param('operation', { schema: uuid }) id: string) {
    return shapes.showOperation(await this.#find(tenant, id));
  }

  @Post(':operation\\:cancel')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'cancelOperation',
    summary: 'Cancel an operation',
    description: 'What it has done so far stays.',
  })
  @ApiOkResponse({ standardSchema: shapes.operation })
  async cancel(@CurrentTenant() tenant: Tenant, @Param('operation', { schema: uuid }) id: string) {
    const ref = { tenantId: tenant.id, id: asId.operation(id) };
    const cancelled = await cancelOperation(this.db, ref);
    if (cancelled !== undefined) return shapes.showOperation(cancelled);
    const found = await this.#find(tenant, id);
    if (found.state === 'cancelled') return shapes.showOperation(found);
    throw new ProblemError(
      'invalid-state',
      `expected an operation that has not ended, got one whose state is ${found.state}`,
      { currentState: found.state },
    );
  }

  async #find(tenant: Tenant, id: string): Promise<Operation> {
    const found = await findOperation(this.db, { tenantId: tenant.id, id: asId.operation(id) });
    if (found === undefined) throw notFound('operation', id);
    return found;
  }
}
