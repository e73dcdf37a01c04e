// The log of a run is read page by page, or followed as it grows when the caller accepts an event stream.
import { Controller, Get, Headers, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { listLogLines } from '#execution/reports/run-log.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { notFound } from '../problems/problem.js';
import { LAST_LINES_MS, RunLogFollowers } from './run-log-followers.js';
import * as shapes from './run-log.shapes.js';
import { ApiTenant, uuid } from '../requests/shapes.js';
import { TenantShares } from '../access/tenant-shares.js';

const EVENT_STREAM = 'text/event-stream';

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs')
export class RunLogsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly followers: RunLogFollowers,
    private readonly shares: TenantShares,
  ) {}

  @Get(':run/logs')
  @ApiOperation({
    operationId: 'getRunLogs',
    summary: "Read a run's log, or follow it",
    description:
      'With `Accept: text/event-stream` the lines come as events `log` with their `seq` as id, as they are written, and an event `end` when the run has ended; `Last-Event-ID` reads on from there.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'Instead of `after`, for an event stream.',
  })
  @ApiProduces('application/json', EVENT_STREAM)
  @ApiOkResponse({ standardSchema: shapes.logPage })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('run', { schema: uuid }) id: string,
    @Query({ schema: shapes.logQuery }) { after, limit }: shapes.LogQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
    @CurrentStay() { turn, isStillAllowed }: LongStay,
  ): Promise<void> {
    const runId = asId.run(id);
    const run = await this.#find(tenant, runId);
    const since = run.createdAt;
    if (request.accepts(['application/json', EVENT_STREAM]) === EVENT_STREAM) {
      const from = lastEventId === undefined ? after : shapes.lastEventId.parse(lastEventId);
      if (request.method === 'HEAD') return void response.type(EVENT_STREAM).end();
      if (response.closed) return; // the caller hung up while the run was read: 'close' would not fire again
      // Also for a request that is refused next: its response closes, too.
      response.once('close', this.shares.take(tenant, 'maxLogStreams'));
      this.followers.follow({ runId, since, after: from, isStillAllowed }, response);
      return turn.end();
    }
    const isOver = run.finishedAt !== null && (await this.#wasLongAgo(run.finishedAt));
    const items = await listLogLines(this.db, { runId, since, after, limit });
    const ended = isOver && items.length < limit;
    response.json({ items, nextAfter: items.at(-1)?.seq ?? after, ended });
  }

  /** Long enough for the last lines to have been written. */
  async #wasLongAgo(instant: Date): Promise<boolean> {
    return (await databaseTime(this.db)).getTime() - instant.getTime() >= LAST_LINES_MS;
  }

  async #find(tenant: Tenant, id: RunId): Promise<RunRow> {
    const found = await findRun(this.db, { tenantId: tenant.id, id });
    if (found === undefined) throw notFound('run', id);
    return found;
  }
}
