// The routes of locks as resources: who holds and wants each, the permits of semaphores, and an operator's way to end a
// hold that its holder does not release.
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { z } from 'zod';
import type { Database } from '#database/connection.js';
import { endHolds, findHolds } from '#locks/hold.repository.js';
import { findLock, listLocks, type ListedLock } from '#locks/lock-list.repository.js';
import { deleteSemaphore, putSemaphore, SEMAPHORES_MAX } from '#locks/semaphores.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import {
  alreadyThere,
  ApiApplies,
  ApiIfMatch,
  etagOf,
  isStar,
  revisionOf,
  staleRevision,
} from '../answers/etag.js';
import { PageTokens } from '../answers/page-token.js';
import { ProblemError, notFound, refuseOtherName } from '../problems/problem.js';
import { ApiTenant, pageOf, resourceName } from '../requests/shapes.js';
import * as shapes from './lock.shapes.js';

const HOLDS_SHOWN = 100;

@ApiTags('locks')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/locks')
export class LocksController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listLocks',
    summary: 'List the locks that are held or waited for, and the semaphores, by name',
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.lock) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: shapes.locksQuery }) { pageSize, pageToken }: z.output<typeof shapes.locksQuery>,
  ) {
    const filter = { locksOf: tenant.id };
    const rows = await listLocks(this.db, {
      tenantId: tenant.id,
      afterName: this.pages.open(pageToken, filter) ?? '',
      limit: pageSize + 1,
    });
    const shown = await this.#show(tenant, rows);
    return this.pages.page(shown, { size: pageSize, filter, keyOf: (row) => row.name, show: (row) => row });
  }

  @Get(':lock')
  @ApiOperation({
    operationId: 'getLock',
    summary: 'Read who holds a lock',
    description: 'One of any name is there, and free if nothing holds it.',
  })
  @ApiOkResponse({ standardSchema: shapes.lock })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#answer(tenant, name, response);
  }

  @Put(':lock')
  @ApiApplies()
  @ApiOperation({
    operationId: 'putLock',
    summary: 'Make a semaphore of a lock, or give it another number of permits',
  })
  @ApiCreatedResponse({ standardSchema: shapes.lock })
  @ApiOkResponse({ standardSchema: shapes.lock })
  async put(
    @CurrentTenant() tenant: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Body({ schema: shapes.semaphoreInput }) input: shapes.SemaphoreInput,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseOtherName(input.name, name);
    const revision = ifMatch === undefined ? null : revisionOf(ifMatch);
    const result = await putSemaphore(
      this.db,
      { tenantId: tenant.id, name, revision },
      { permits: input.permits, mayCreate: ifMatch === undefined, mayReplace: !isStar(ifNoneMatch) },
    );
    switch (result.kind) {
      case 'not-found':
        throw notFound('semaphore', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'exists':
        throw alreadyThere('semaphore', name, result.currentRevision);
      case 'full':
        throw new ProblemError(
          'quota-exceeded',
          `expected the tenant to have at most ${SEMAPHORES_MAX} semaphores, got one more in addition to ${result.current}`,
        );
      case 'created':
        response.status(201).setHeader('Location', `/api/v1/tenants/${tenant.name}/locks/${name}`);
        return this.#answer(tenant, name, response);
      case 'changed':
        this.replica.hintLocks();
        return this.#answer(tenant, name, response);
      case 'same':
        return this.#answer(tenant, name, response);
    }
  }

  @Delete(':lock')
  @WhileSuspended()
  @ApiIfMatch()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteLock',
    summary: 'Delete a semaphore of which no permit is held',
    description: 'Its name is a lock like any other again.',
  })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const revision = revisionOf(ifMatch);
    const result = await deleteSemaphore(this.db, { tenantId: tenant.id, name, revision });
    switch (result.kind) {
      case 'deleted':
        return;
      case 'not-found':
        throw notFound('semaphore', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'in-use':
        throw new ProblemError(
          'invalid-state',
          `expected a semaphore of which no permit is held or waited for, got ${name} with ${result.uses} such`,
          { currentState: 'in-use' },
        );
    }
  }

  @Post(':lock\\:forceRelease')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'forceReleaseLock',
    summary: 'End a hold, or all holds of a lock, whose holders do not release it',
  })
  @ApiOkResponse({ standardSchema: shapes.ended })
  async forceRelease(
    @CurrentTenant() { id: tenantId }: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Body({ schema: shapes.endInput }) { token }: shapes.EndInput,
  ) {
    const ended = await endHolds(this.db, { tenantId, name, token: token ?? null });
    if (ended.length > 0) this.replica.hintLocks();
    return { ended: ended.map(shapes.showHold) };
  }

  async #answer(tenant: Tenant, name: string, response: Response) {
    const found = await findLock(this.db, { tenantId: tenant.id, name });
    if (found.revision !== null) response.setHeader('ETag', etagOf(found.revision));
    const [shown] = await this.#show(tenant, [found]);
    return shown;
  }

  async #show({ id: tenantId }: Tenant, locks: readonly ListedLock[]) {
    const names = locks.map(({ name }) => name);
    const holds = await findHolds(this.db, { tenantId, names, limitEach: HOLDS_SHOWN });
    const byName = Map.groupBy(holds.map(shapes.showHold), ({ name }) => name);
    return locks.map((lock) => {
      const ofLock = byName.get(lock.name) ?? [];
      return { ...lock, isHeld: ofLock.length > 0, holds: ofLock };
    });
  }
}
