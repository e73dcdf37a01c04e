// What can be done with queues? A run creates its queue by naming it; a queue can be paused and resumed.
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { inTransaction, type Database } from '#database/connection.js';
import {
  findQueue,
  listQueues,
  pauseQueue,
  resumeQueue,
  type Queue,
} from '#execution/limits/queue.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { ApiTenant, instant, pageOf, resourceName } from '../requests/shapes.js';
import { requireRoom } from '../access/tenant-shares.js';

const listQuery = z.strictObject(pageQuery);
const queueShape = z
  .object({ name: z.string(), paused: z.boolean(), pausedAt: instant.nullable() })
  .meta({ id: 'Queue' });

@ApiTags('queues')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/queues')
export class QueuesController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listQueues', summary: 'List the queues that hold runs or were ever paused' })
  @ApiOkResponse({ standardSchema: pageOf(queueShape) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>,
  ) {
    const filter = { queuesOf: tenant.id };
    const rows = await listQueues(this.db, {
      tenantId: tenant.id,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, { size: pageSize, filter, keyOf: (row) => row.name, show: showQueue });
  }

  @Get(':queue')
  @ApiOperation({ operationId: 'getQueue', summary: 'Read a queue' })
  @ApiOkResponse({ standardSchema: queueShape })
  async read(@CurrentTenant() tenant: Tenant, @Param('queue', { schema: resourceName }) name: string) {
    return showQueue(await findQueue(this.db, { tenantId: tenant.id, name }));
  }

  @Post(':queue\\:pause')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'pauseQueue',
    summary: 'Pause a queue',
    description: 'Within a second or two none of its runs starts; running ones go on.',
  })
  @ApiOkResponse({ standardSchema: queueShape })
  async pause(@CurrentTenant() tenant: Tenant, @Param('queue', { schema: resourceName }) name: string) {
    const queue = { tenantId: tenant.id, name };
    await inTransaction(this.db, async (tx) => {
      const { pausedAt } = await findQueue(tx, queue);
      if (pausedAt === null) await requireRoom(tx, tenant, { name: 'maxPausedQueues' });
      await pauseQueue(tx, queue);
    });
    return this.#changed(tenant, name);
  }

  @Post(':queue\\:resume')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeQueue', summary: 'Resume a paused queue' })
  @ApiOkResponse({ standardSchema: queueShape })
  async resume(@CurrentTenant() tenant: Tenant, @Param('queue', { schema: resourceName }) name: string) {
    await resumeQueue(this.db, { tenantId: tenant.id, name });
    return this.#changed(tenant, name);
  }

  async #changed(tenant: Tenant, name: string) {
    // The owner reads the rules of a slot's lanes whenever it scans the slot.
    this.replica.hintWork([tenant.slot]);
    return showQueue(await findQueue(this.db, { tenantId: tenant.id, name }));
  }
}

function showQueue({ name, pausedAt }: Queue) {
  return { name, paused: pausedAt !== null, pausedAt };
}
