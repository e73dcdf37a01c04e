// What can be done with tenants and their keys?
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import type { Installation } from '#database/installation.repository.js';
import { createApiKey } from '#tenancy/api-keys.js';
import { revokeApiKey } from '#tenancy/api-key.repository.js';
import type { Principal } from '#tenancy/decisions/api-key.js';
import { listTenants, type Tenant } from '#tenancy/tenant.repository.js';
import { createTenant } from '#tenancy/tenants.js';
import { API_DATABASE, INSTALLATION } from '../tokens.js';
import { AdminOnly, CurrentPrincipal, CurrentTenant } from './auth.guard.js';
import { Idempotent, Writes, type Writing } from './idempotency.js';
import { PageTokens, pageQuery } from './page-token.js';
import { notFound, ProblemError } from './problem.js';
import { ApiTenant, instant, pageOf, resourceName, uuid } from './shapes.js';

const tenantInput = z.strictObject({
  name: resourceName,
  displayName: z.string().min(1).max(200).optional(),
});
const tenantShape = z
  .object({
    name: z.string(),
    displayName: z.string(),
    state: z.enum(['active', 'suspended']),
    slot: z.int(),
    createdAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'Tenant' });
const keyInput = z.strictObject({ name: z.string().min(1).max(200) });
const keyShape = z
  .object({ id: z.uuid(), name: z.string(), key: z.string().describe('Shown this once.') })
  .meta({ id: 'NewApiKey' });
const listQuery = z.strictObject(pageQuery);

@ApiTags('tenants')
@ApiBearerAuth()
@Controller('api/v1/tenants')
export class TenantsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    @Inject(INSTALLATION) private readonly installation: Installation,
    private readonly pages: PageTokens,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List the tenants that the key may see' })
  @ApiOkResponse({ standardSchema: pageOf(tenantShape) })
  async list(
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>,
    @CurrentPrincipal() principal: Principal,
  ) {
    const onlyId = principal.role === 'admin' ? null : principal.tenantId;
    const filter = { tenants: onlyId };
    const rows = await listTenants(this.db, {
      onlyId,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      filter,
      keyOf: (tenant) => tenant.name,
      show: showTenant,
    });
  }

  @Post()
  @AdminOnly()
  @Idempotent()
  @ApiOperation({ summary: 'Create a tenant' })
  @ApiCreatedResponse({ standardSchema: tenantShape })
  async create(
    @Body({ schema: tenantInput }) { name, displayName = name }: z.infer<typeof tenantInput>,
    @Writes() { db }: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    const result = await createTenant(db, { name, displayName, slotCount: this.installation.slotCount });
    if (result.kind === 'name-taken')
      throw new ProblemError('already-exists', `expected a new name, got ${name}, which is taken`);
    response.setHeader('Location', `/api/v1/tenants/${name}`);
    return showTenant(result.tenant);
  }

  @Get(':tenant')
  @ApiTenant()
  @ApiOperation({ summary: 'Read a tenant' })
  @ApiOkResponse({ standardSchema: tenantShape })
  read(@CurrentTenant() tenant: Tenant) {
    return showTenant(tenant);
  }

  @Post(':tenant/api-keys')
  @ApiTenant()
  @ApiOperation({ summary: 'Create a key for the tenant; its secret is shown only now' })
  @ApiCreatedResponse({ standardSchema: keyShape })
  async createKey(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: keyInput }) { name }: z.infer<typeof keyInput>,
  ) {
    const { id, secret } = await createApiKey(this.db, {
      tenantId: tenant.id,
      tenantName: tenant.name,
      name,
    });
    return { id, name, key: secret };
  }

  @Post(':tenant/api-keys/:key\\:revoke')
  @ApiTenant()
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key; replicas stop accepting it within 5 seconds' })
  async revokeKey(
    @CurrentTenant() tenant: Tenant,
    @Param('key', { schema: uuid }) key: string,
  ): Promise<void> {
    if (!(await revokeApiKey(this.db, { tenantId: tenant.id, id: key })))
      throw notFound('a key that is not revoked,', key);
  }
}

function showTenant({ name, displayName, state, slot, createdAt, revision }: Tenant) {
  return { name, displayName, state, slot, createdAt, revision };
}
