// What can be done with keys? A tenant's keys are created, listed and revoked under the tenant. An administrator's
// keys come from the configuration of the replicas; only an administrator can list and revoke them here.
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { inTransaction, type Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { createApiKey, KeyRing } from '#tenancy/api-keys.js';
import { listApiKeys, revokeApiKey } from '#tenancy/api-key.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { AdminOnly, CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { notFound } from '../problems/problem.js';
import { ApiTenant, instant, pageOf, uuid } from '../requests/shapes.js';
import { requireRoom } from '../access/tenant-shares.js';

const tenantRole = z.enum(['tenant-admin', 'worker']);
const keyInput = z.strictObject({
  name: z.string().min(1).max(200),
  role: tenantRole
    .default('tenant-admin')
    .describe('A `worker` key may only register, take runs and end them.'),
});
const newKey = z
  .object({ id: z.uuid(), name: z.string(), role: tenantRole, key: z.string().describe('Shown this once.') })
  .meta({ id: 'NewApiKey' });
export const apiKey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    prefix: z.string().nullable().describe('How the key begins; null for old ones.'),
    role: z.enum(['admin', ...tenantRole.options]),
    origin: z
      .enum(['api', 'configuration'])
      .describe('Created here, or set by `CARILLON_ADMIN_KEY` of a replica.'),
    createdAt: instant,
    lastUsedAt: instant.nullable().describe('Accurate to about a minute.'),
    expiresAt: instant
      .nullable()
      .describe('When a configured key ends; extended each minute while a replica is configured with it.'),
    revokedAt: instant
      .nullable()
      .describe('A revoked key is listed for 30 days, or until a new one needs its place.'),
  })
  .meta({ id: 'ApiKey' });
const listQuery = z.strictObject(pageQuery);
type ListQuery = z.infer<typeof listQuery>;

const NO_SUCH_KEY = 'unrevoked key';

@ApiTags('keys')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/api-keys')
export class ApiKeysController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly keys: KeyRing,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listApiKeys', summary: "List the tenant's keys, without their secrets" })
  @ApiOkResponse({ standardSchema: pageOf(apiKey) })
  async list(@CurrentTenant() { id }: Tenant, @Query({ schema: listQuery }) query: ListQuery) {
    return pageOfKeys(this.db, this.pages, { tenantId: id, query });
  }

  @Post()
  @ApiOperation({
    operationId: 'createApiKey',
    summary: 'Create a key for the tenant',
    description: 'Its secret is shown only now.',
  })
  @ApiCreatedResponse({ standardSchema: newKey })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: keyInput }) { name, role }: z.infer<typeof keyInput>,
  ) {
    const wish = { tenantId: tenant.id, tenantName: tenant.name, name, role };
    const { id, secret } = await inTransaction(this.db, async (tx) => {
      await requireRoom(tx, tenant, { name: 'maxApiKeys' });
      return createApiKey(tx, wish);
    });
    return { id, name, role, key: secret };
  }

  @Post(':key\\:revoke')
  @WhileSuspended()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'revokeApiKey',
    summary: 'Revoke a key',
    description: 'Replicas stop accepting it within 5 seconds.',
  })
  async revoke(@CurrentTenant() tenant: Tenant, @Param('key', { schema: uuid }) key: string): Promise<void> {
    if (!(await revokeApiKey(this.db, { tenantId: tenant.id, id: key }))) throw notFound(NO_SUCH_KEY, key);
    this.keys.forget();
  }
}

@ApiTags('keys')
@ApiBearerAuth()
@AdminOnly()
@Controller('api/v1/api-keys')
export class AdminKeysController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly keys: KeyRing,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listAdminKeys',
    summary: "List the administrators' keys, without their secrets",
  })
  @ApiOkResponse({ standardSchema: pageOf(apiKey) })
  async list(@Query({ schema: listQuery }) query: ListQuery) {
    return pageOfKeys(this.db, this.pages, { tenantId: null, query });
  }

  @Post(':key\\:revoke')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'revokeAdminKey',
    summary: "Revoke an administrator's key for good, even if a replica is configured with it",
  })
  async revoke(@Param('key', { schema: uuid }) key: string): Promise<void> {
    if (!(await revokeApiKey(this.db, { tenantId: null, id: key }))) throw notFound(NO_SUCH_KEY, key);
    this.keys.forget();
  }
}

async function pageOfKeys(
  db: Database,
  pages: PageTokens,
  { tenantId, query }: { tenantId: TenantId | null; query: ListQuery },
) {
  const filter = { keysOf: tenantId };
  const rows = await listApiKeys(db, {
    tenantId,
    beforeId: pages.open(query.pageToken, filter),
    limit: query.pageSize + 1,
  });
  return pages.page(rows, { size: query.pageSize, filter, keyOf: (row) => row.id, show: (row) => row });
}
