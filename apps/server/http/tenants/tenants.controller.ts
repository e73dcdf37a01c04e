// What can be done with tenants? Only an administrator creates and changes them; a tenant's own keys may read it.
import { Body, Controller, Get, Headers, HttpCode, Inject, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import type { Installation } from '#database/migrating/installation.repository.js';
import type { Principal } from '#tenancy/decisions/api-key.js';
import { listTenants, updateTenant, type Tenant, type TenantChange } from '#tenancy/tenant.repository.js';
import { createTenant } from '#tenancy/tenants.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE, INSTALLATION } from '../../tokens.js';
import { AdminOnly, CurrentPrincipal, CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { ApiIfMatch, revisionOf, staleRevision } from '../answers/etag.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { nameTaken } from '../problems/problem.js';
import { ApiTenant, pageOf } from '../requests/shapes.js';
import { show, showTenant, tenantInput, tenantPatch, tenantShape } from './tenant.shapes.js';

const listQuery = z.strictObject(pageQuery);

@ApiTags('tenants')
@ApiBearerAuth()
@Controller('api/v1/tenants')
export class TenantsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    @Inject(INSTALLATION) private readonly installation: Installation,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listTenants', summary: 'List the tenants that the key may see' })
  @ApiOkResponse({ standardSchema: pageOf(tenantShape) })
  async list(
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>,
    @CurrentPrincipal() principal: Principal,
  ) {
    const onlyId = principal.role === 'admin' ? null : principal.tenantId;
    const filter = { tenants: onlyId };
    const { rows, isCut } = await listTenants(this.db, {
      onlyId,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      filter,
      keyOf: (tenant) => tenant.name,
      show: showTenant,
    });
  }

  @Post()
  @AdminOnly()
  @Idempotent()
  @ApiOperation({ operationId: 'createTenant', summary: 'Create a tenant' })
  @ApiCreatedResponse({ standardSchema: tenantShape })
  async create(
    @Body({ schema: tenantInput }) { displayName, ...input }: z.infer<typeof tenantInput>,
    @Writes() { db }: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { name } = input;
    const { slotCount } = this.installation;
    const result = await createTenant(db, { ...input, displayName: displayName ?? name, slotCount });
    if (result.kind === 'name-taken') throw nameTaken(name);
    response.setHeader('Location', `/api/v1/tenants/${name}`);
    return show(result.tenant, response);
  }

  @Get(':tenant')
  @ApiTenant()
  @ApiOperation({ operationId: 'getTenant', summary: 'Read a tenant' })
  @ApiOkResponse({ standardSchema: tenantShape })
  read(@CurrentTenant() tenant: Tenant, @Res({ passthrough: true }) response: Response) {
    return show(tenant, response);
  }

  @Patch(':tenant')
  @WhileSuspended()
  @AdminOnly()
  @ApiTenant()
  @ApiIfMatch()
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @ApiOperation({
    operationId: 'updateTenant',
    summary: 'Change a tenant (JSON Merge Patch)',
    description: 'Limits reach its runs within a second or two.',
  })
  @ApiOkResponse({ standardSchema: tenantShape })
  async patch(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: tenantPatch }) { limits, ...patch }: z.infer<typeof tenantPatch>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = { ...patch, ...(limits === undefined ? {} : { limits: limits ?? {} }) };
    return this.#change(tenant, { revision: revisionOf(ifMatch), change, response });
  }

  @Post(':tenant\\:suspend')
  @WhileSuspended()
  @AdminOnly()
  @ApiTenant()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'suspendTenant',
    summary: 'Suspend a tenant',
    description:
      'Within a second or two none of its runs starts; running ones go on, queued ones wait, and due times of its schedules are recorded as skipped.',
  })
  @ApiOkResponse({ standardSchema: tenantShape })
  suspend(@CurrentTenant() tenant: Tenant, @Res({ passthrough: true }) response: Response) {
    return this.#change(tenant, { revision: null, change: { state: 'suspended' }, response });
  }

  async #change(
    tenant: Tenant,
    { revision, change, response }: { revision: number | null; change: TenantChange; response: Response },
  ) {
    const changed = await updateTenant(this.db, { id: tenant.id, revision }, change);
    return this.#answer(tenant, { changed, sent: revision }, response);
  }

  #answer(
    tenant: Tenant,
    { changed, sent }: { changed: Tenant | undefined; sent: number | null },
    response: Response,
  ) {
    if (changed === undefined) throw staleRevision({ current: tenant.revision, sent });
    this.replica.hintWork([tenant.slot]);
    return show(changed, response);
  }
}
