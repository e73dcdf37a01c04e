// What can be done with the secrets that sign a tenant's calls? Create one, replace it while the old one still signs
// for a time, and delete one at once. A secret is shown when it is made and never again.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { inTransaction, type Database } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import * as secrets from '#execution/targets/http/webhook-secret.repository.js';
import { newWebhookSecret } from '#execution/targets/http/webhook-signature.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, instant, uuid } from '../requests/shapes.js';

const SECRETS_MAX = 2;
const DAY_SECONDS = 86_400;

const rotateInput = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(30 * DAY_SECONDS)
    .default(DAY_SECONDS)
    .describe('How long the replaced secret still signs beside the new one.'),
});
const emptyInput = z.strictObject({});
const known = {
  id: z.uuid(),
  createdAt: instant,
  expiresAt: instant.nullable().describe('When it stops signing.'),
};
const secretShape = z.object(known).meta({ id: 'WebhookSecret' });
const newSecretShape = z
  .object({ ...known, secret: z.string().describe('whsec_…, shown this once.') })
  .meta({ id: 'NewWebhookSecret' });
const listShape = z.object({ items: z.array(secretShape) }).meta({ id: 'WebhookSecrets' });

@ApiTags('webhook secrets')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant')
export class WebhookSecretsController {
  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  @Get('webhook-secrets')
  @ApiOperation({
    operationId: 'listWebhookSecrets',
    summary: 'List the secrets that sign now, newest first',
  })
  @ApiOkResponse({ standardSchema: listShape })
  async list(@CurrentTenant() tenant: Tenant) {
    return { items: await secrets.listWebhookSecrets(this.db, tenant.id) };
  }

  @Post('webhook-secrets')
  @ApiOperation({
    operationId: 'createWebhookSecret',
    summary: 'Create the first secret',
    description: 'From then on calls are signed.',
  })
  @ApiCreatedResponse({ standardSchema: newSecretShape })
  async create(@CurrentTenant() tenant: Tenant, @Body({ schema: emptyInput }) _input: object) {
    return inTransaction(this.db, async (tx) => {
      await secrets.lockSecrets(tx, tenant.id);
      const signing = await secrets.listWebhookSecrets(tx, tenant.id);
      if (signing.length >= SECRETS_MAX) {
        throw new ProblemError(
          'invalid-state',
          `expected fewer than ${SECRETS_MAX} secrets that sign, got ${signing.length}; rotate or delete one`,
        );
      }
      return this.#insert(tx, tenant);
    });
  }

  @Post('webhook-secrets\\:rotate')
  @HttpCode(201)
  @ApiOperation({
    operationId: 'rotateWebhookSecret',
    summary: 'Create a secret that replaces the newest after an overlap, and all others at once',
  })
  @ApiCreatedResponse({ standardSchema: newSecretShape })
  async rotate(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: rotateInput }) { overlapSeconds }: z.output<typeof rotateInput>,
  ) {
    return inTransaction(this.db, async (tx) => {
      await secrets.lockSecrets(tx, tenant.id);
      await secrets.keepNewest(tx, tenant.id);
      const created = await this.#insert(tx, tenant);
      await secrets.retireOthers(tx, { tenantId: tenant.id, keepId: created.id, overlapSeconds });
      return created;
    });
  }

  @Delete('webhook-secrets/:secret')
  @WhileSuspended()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteWebhookSecret',
    summary: 'Delete a secret',
    description: 'It stops signing within seconds.',
  })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @Param('secret', { schema: uuid }) id: string,
  ): Promise<void> {
    if (!(await secrets.deleteWebhookSecret(this.db, { tenantId: tenant.id, id })))
      throw notFound('secret', id);
  }

  async #insert(db: Database, tenant: Tenant) {
    const secret = newWebhookSecret();
    const row = await secrets.insertWebhookSecret(db, { id: randomUUIDv7(), tenantId: tenant.id, secret });
    return { ...row, secret };
  }
}
