// The route that resumes a suspended tenant. With `catchUp` an operation makes up for the suspension; it begins in the
// transaction that ends it, so no answer that is lost leaves the one without the other.
import { Body, Controller, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database, Tx } from '#database/connection.js';
import type { Operation } from '#operations/operation.repository.js';
import { startTenantCatchUp } from '#operations/tenant-catch-up/catch-up-tenant.js';
import {
  EVERY_SCHEDULE,
  namesOfMatching,
  SCHEDULES_LOOKED_AT,
} from '#scheduling/schedules/schedule-list.repository.js';
import { endSuspension } from '#scheduling/suspending/suspended-runs.js';
import { updateTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { LoopTimers } from '../../loop-timers.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { AdminOnly, CurrentCaller, CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { requireRoom } from '../access/tenant-shares.js';
import { OPERATIONS } from '../operations/operation-starts.js';
import { operation, showOperation } from '../operations/operation.shapes.js';
import { invalidField, notFound, ownerHangs, ProblemError } from '../problems/problem.js';
import { ApiTenant } from '../requests/shapes.js';
import { show, tenantShape } from './tenant.shapes.js';

const resumeInput = z
  .strictObject({
    catchUp: z
      .boolean()
      .default(false)
      .describe(
        'Whether the catchUp of each of its schedules makes up for what the suspension has skipped, as after an outage. An operation does it, and the answer is 202.',
      ),
  })
  .prefault({});

@ApiTags('tenants')
@ApiBearerAuth()
@Controller('api/v1/tenants')
export class ResumeController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly replica: ReplicaService,
    private readonly timers: LoopTimers,
  ) {}

  @Post(':tenant\\:resume')
  @WhileSuspended()
  @AdminOnly()
  @ApiTenant()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'resumeTenant',
    summary: 'Resume a suspended tenant',
    description: 'Due times that were skipped meanwhile stay skipped, unless they are caught up on.',
  })
  @ApiOkResponse({ standardSchema: tenantShape })
  @ApiAcceptedResponse({ standardSchema: operation, description: 'With catchUp.' })
  async resume(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: resumeInput }) { catchUp }: z.output<typeof resumeInput>,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const names = catchUp ? await this.#schedulesOf(tenant) : [];
    const ended = await endSuspension(this.db, tenant, async (tx) => {
      const changed = await updateTenant(tx, { id: tenant.id, revision: null }, { state: 'active' });
      if (changed === undefined) throw notFound('tenant', tenant.name);
      return { changed, started: catchUp ? await start(tx, { tenant, names, by }) : null };
    });
    if (ended === null) throw ownerHangs();
    this.replica.hintWork([tenant.slot]);
    const { changed, started } = ended;
    if (started === null) return show(changed, response);
    this.timers.wake(OPERATIONS);
    response.status(202).setHeader('Location', `/api/v1/tenants/${tenant.name}/operations/${started.id}`);
    return showOperation(started);
  }

  async #schedulesOf({ id: tenantId }: Tenant): Promise<string[]> {
    const names = await namesOfMatching(this.db, {
      tenantId,
      filter: EVERY_SCHEDULE,
      limit: SCHEDULES_LOOKED_AT + 1,
    });
    if (names.length <= SCHEDULES_LOOKED_AT) return names;
    const max = SCHEDULES_LOOKED_AT.toLocaleString('en');
    throw invalidField('/catchUp', `expected a tenant with at most ${max} schedules, got one with more`);
  }
}

async function start(
  tx: Tx,
  { tenant, names, by }: { tenant: Tenant; names: readonly string[]; by: string },
): Promise<Operation> {
  const started = await startTenantCatchUp(tx, { tenantId: tenant.id, names, by }, () =>
    requireRoom(tx, tenant, { name: 'maxOperations' }),
  );
  if (started !== null) return started;
  throw new ProblemError(
    'invalid-state',
    `expected a tenant that is suspended, or was, to catch up on that, got ${tenant.name}, which never was`,
  );
}
