// Which keys whose runs start in their order are blocked, by which run, and how does a person let the next one start
// without it? The run is named, so a second request lets no further one start.
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import {
  listBlockedKeys,
  unblockKey,
  WAITING_MAX,
  type BlockedKey,
} from '#execution/settling/key-block.repository.js';
import { asId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, instant, pageOf, uuid } from '../requests/shapes.js';

const listQuery = z.strictObject(pageQuery);
const blockedKey = z
  .object({
    jobType: z.string(),
    concurrencyKey: z.string(),
    runId: z.uuid().describe('The run that blocks the key.'),
    since: instant,
    why: z
      .enum(['retrying', 'failed', 'gone'])
      .describe(
        'The run is to be tried again, or is being tried; it has failed for good; it had failed for good, and its retention is over. The last two end by :retry with success, or by :unblock.',
      ),
    error: z
      .looseObject({ name: z.string(), message: z.string() })
      .nullable()
      .describe('Of its last attempt that failed.'),
    waiting: z
      .int()
      .describe(`Runs of the key that wait in its queue; ${WAITING_MAX} stands for as many or more.`),
  })
  .meta({ id: 'BlockedKey' });
const unblocked = z.object({
  unblocked: z.boolean().describe('False if the run blocks no key, or no longer.'),
});

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant')
export class BlockedKeysController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
  ) {}

  @Get('blocked-keys')
  @ApiOperation({
    operationId: 'listBlockedKeys',
    summary: 'List the keys with a strict order that a run blocks, by job type and key',
  })
  @ApiOkResponse({ standardSchema: pageOf(blockedKey) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>,
  ) {
    const filter = { blockedKeysOf: tenant.id };
    const rows = await listBlockedKeys(this.db, {
      tenantId: tenant.id,
      after: placeOf(this.pages.open(pageToken, filter)),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      filter,
      keyOf: ({ jobType, key }) => `${jobType}/${key}`,
      show: showBlockedKey,
    });
  }

  @Post('runs/:run\\:unblock')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'unblockKeyOfRun',
    summary: 'Let the runs start that wait behind one that has failed for good, without trying it again',
  })
  @ApiOkResponse({ standardSchema: unblocked })
  async unblock(@CurrentTenant() tenant: Tenant, @Param('run', { schema: uuid }) id: string) {
    const runId = asId.run(id);
    const done = await unblockKey(this.db, { tenantId: tenant.id, runId });
    if (done === 'retrying')
      throw new ProblemError(
        'invalid-state',
        `expected a run that has failed for good, got run ${id}, which is to be tried again; cancel it instead`,
      );
    if (done === 'nothing' && (await findRun(this.db, { tenantId: tenant.id, id: runId })) === undefined)
      throw notFound('run', id);
    if (done === 'unblocked') this.replica.hintWork([tenant.slot]);
    return { unblocked: done === 'unblocked' };
  }
}

/** Names of job types hold no slash. */
function placeOf(token: string | null): { jobType: string; key: string } | null {
  if (token === null) return null;
  const slash = token.indexOf('/');
  return { jobType: token.slice(0, slash), key: token.slice(slash + 1) };
}

function showBlockedKey({ key, ...row }: BlockedKey) {
  return { ...row, concurrencyKey: key };
}
