// The route that makes a tenant what its body says: what is left out has its default, and the same content again changes
// nothing. Whether it is suspended is no part of what it says, and stays.
import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Headers, Inject, Param, Put, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Database } from '#database/connection.js';
import type { Installation } from '#database/migrating/installation.repository.js';
import { findTenant, updateTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { createTenant } from '#tenancy/tenants.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE, INSTALLATION } from '../../tokens.js';
import { AdminOnly, MakesTenant, WhileSuspended } from '../access/auth.guard.js';
import { ensure } from '../answers/ensured.js';
import { ApiApplies } from '../answers/etag.js';
import { invalidField, refuseOtherName } from '../problems/problem.js';
import { ApiTenant, resourceName } from '../requests/shapes.js';
import { show, tenantApplied, tenantShape, type TenantApplied } from './tenant.shapes.js';

@ApiTags('tenants')
@ApiBearerAuth()
@Controller('api/v1/tenants')
export class PutTenantController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    @Inject(INSTALLATION) private readonly installation: Installation,
    private readonly replica: ReplicaService,
  ) {}

  @Put(':tenant')
  @MakesTenant()
  @WhileSuspended()
  @AdminOnly()
  @ApiTenant()
  @ApiApplies()
  @ApiOperation({
    operationId: 'putTenant',
    summary: 'Create or replace a tenant',
    description:
      'What is left out has its default; the same content again changes nothing. A suspended tenant stays suspended.',
  })
  @ApiCreatedResponse({ standardSchema: tenantShape })
  @ApiOkResponse({ standardSchema: tenantShape })
  async put(
    @Param('tenant', { schema: resourceName }) name: string,
    @Body({ schema: tenantApplied }) input: TenantApplied,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
    @Req() request: Request,
  ) {
    // All that it may say may be left out, and a call that has lost its body must not mean that.
    if (request.body === undefined)
      throw invalidField('/', 'expected an object, {} for all defaults, got no body');
    refuseOtherName(input.name, name);
    const { name: _, displayName = name, limits, ...rest } = input;
    const content = { ...rest, displayName, limits: limits ?? {} };
    const { kind, resource } = await ensure<Tenant>(
      { ifMatch, ifNoneMatch },
      {
        what: 'tenant',
        name,
        find: () => findTenant(this.db, name),
        create: async () => {
          const { slotCount } = this.installation;
          const result = await createTenant(this.db, { ...content, name, slotCount });
          return result.kind === 'created' ? result.tenant : undefined;
        },
        isSame: (current) => isDeepStrictEqual({ ...current, ...content }, current),
        replace: ({ id, revision }) => updateTenant(this.db, { id, revision }, content),
      },
    );
    if (kind === 'created') response.status(201).setHeader('Location', `/api/v1/tenants/${name}`);
    if (kind === 'changed') this.replica.hintWork([resource.slot]);
    return show(resource, response);
  }
}
