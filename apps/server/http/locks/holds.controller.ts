// The routes by which locks are acquired, renewed and released. What a caller has got is known by its token; who asks for
// a lock that others hold is told who they are.
import { Body, Controller, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import type { Acquisition } from '#locks/acquiring.js';
import { findHolds, releaseHold, renewHold } from '#locks/hold.repository.js';
import { inOrder, type LockHold, type LockWish } from '#locks/lock.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import {
  CurrentStay,
  CurrentTenant,
  WhileSuspended,
  WorkersToo,
  type LongStay,
} from '../access/auth.guard.js';
import { TenantShares } from '../access/tenant-shares.js';
import { ProblemError } from '../problems/problem.js';
import { ApiTenant, resourceName } from '../requests/shapes.js';
import { LockRoom } from './lock-room.js';
import { LockWaiters } from './lock-waiters.js';
import * as shapes from './lock.shapes.js';

const HOLDS_SHOWN = 5;

interface Asked extends Omit<shapes.AcquireAllInput, 'locks'> {
  wishes: readonly LockWish[];
  /** Where in the request a wish stands. */
  pointerOf: (index: number) => string;
}

@ApiTags('locks')
@ApiBearerAuth()
@ApiTenant()
@WorkersToo()
@Controller('api/v1/tenants/:tenant')
export class HoldsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly waiters: LockWaiters,
    private readonly shares: TenantShares,
    private readonly room: LockRoom,
    private readonly replica: ReplicaService,
  ) {}

  @Post('locks\\:acquire')
  @HttpCode(200)
  @ApiOperation({ operationId: 'acquireLocks', summary: 'Acquire several locks, all or none' })
  @ApiOkResponse({ standardSchema: shapes.acquiredAll })
  async acquireAll(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.acquireAllInput }) { locks, ...asked }: shapes.AcquireAllInput,
    @Res({ passthrough: true }) response: Response,
    @CurrentStay() stay: LongStay,
  ) {
    const wanted = { ...asked, wishes: locks, pointerOf: (index: number) => `/locks/${index}` };
    return { locks: await this.#acquire(tenant, wanted, { response, stay }) };
  }

  @Post('locks/:lock\\:acquire')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'acquireLock',
    summary: 'Acquire a lock',
    description: 'With `waitSeconds`, wait for it.',
  })
  @ApiOkResponse({ standardSchema: shapes.acquired })
  async acquire(
    @CurrentTenant() tenant: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Body({ schema: shapes.acquireInput }) { mode, permits, ...asked }: shapes.AcquireInput,
    @Res({ passthrough: true }) response: Response,
    @CurrentStay() stay: LongStay,
  ) {
    const wanted = { ...asked, wishes: [{ name, mode, permits }], pointerOf: () => '' };
    const [hold] = await this.#acquire(tenant, wanted, { response, stay });
    return hold;
  }

  @Post('locks/:lock\\:renew')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({ operationId: 'renewLock', summary: 'Let a hold last longer' })
  @ApiOkResponse({ standardSchema: shapes.acquired })
  async renew(
    @CurrentTenant() { id: tenantId }: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Body({ schema: shapes.renewInput }) { token, leaseSeconds }: shapes.RenewInput,
  ) {
    const hold = await renewHold(this.db, { tenantId, name, token, leaseMs: leaseSeconds * 1_000 });
    if (hold === undefined) throw lostLock(name, token);
    return hold;
  }

  @Post('locks/:lock\\:release')
  @WhileSuspended()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'releaseLock',
    summary: 'Release a lock',
    description: 'Who waits for it is served at once.',
  })
  async release(
    @CurrentTenant() { id: tenantId }: Tenant,
    @Param('lock', { schema: resourceName }) name: string,
    @Body({ schema: shapes.releaseInput }) { token }: shapes.ReleaseInput,
  ): Promise<void> {
    const { wasHeld, nextAt } = await releaseHold(this.db, { tenantId, name, token });
    this.replica.hintLocksAt(nextAt);
    if (!wasHeld) throw lostLock(name, token);
  }

  async #acquire(
    tenant: Tenant,
    { wishes, pointerOf, holder, leaseSeconds, waitSeconds, keepPlace, reentrant }: Asked,
    { response, stay }: { response: Response; stay: LongStay },
  ): Promise<LockHold[]> {
    await this.room.require(tenant, wishes.length);
    const acquisition = await this.waiters.acquire(
      {
        tenantId: tenant.id,
        holder,
        wishes: inOrder(wishes),
        leaseMs: leaseSeconds * 1_000,
        isReentrant: reentrant,
      },
      {
        ms: waitSeconds * 1_000,
        hungUp: (then) => (response.closed ? then() : response.once('close', then)),
        stay,
        hold: (wait) => this.shares.whileHeld(tenant, 'maxLockWaits', wait),
        keepsPlace: keepPlace,
      },
    );
    if (acquisition.kind === 'held') return acquisition.holds;
    throw await this.#refusal(tenant, { acquisition, wishes, pointerOf, holder });
  }

  async #refusal(
    { id: tenantId }: Tenant,
    {
      acquisition,
      wishes,
      pointerOf,
      holder,
    }: Pick<Asked, 'wishes' | 'pointerOf' | 'holder'> & {
      acquisition: Exclude<Acquisition, { kind: 'held' }>;
    },
  ): Promise<ProblemError> {
    const fieldOf = (name: string, field: 'mode' | 'permits'): string =>
      `${pointerOf(wishes.findIndex((wish) => wish.name === name))}/${field}`;
    switch (acquisition.kind) {
      case 'no-semaphore':
        return misfit(
          fieldOf(acquisition.name, 'mode'),
          `expected permits of a semaphore, got those of ${acquisition.name}, which is none`,
        );
      case 'too-few-permits':
        return misfit(
          fieldOf(acquisition.name, 'permits'),
          `expected at most the ${acquisition.permits} of ${acquisition.name}, got more`,
        );
      case 'taken':
      case 'undecided':
      case 'waits': {
        const names = wishes.map(({ name }) => name);
        const found = await findHolds(this.db, { tenantId, names, limitEach: HOLDS_SHOWN, first: holder });
        const holds = found.map(({ name, holder: by, expiresAt, token }) => ({
          name,
          holder: by,
          expiresAt,
          ...(by === holder ? { token } : {}),
        }));
        return new ProblemError('lock-held', `expected ${names.join(', ')} to be free, got ${held(holds)}`, {
          holds,
        });
      }
    }
  }
}

function held(holds: readonly { name: string; holder: string }[]): string {
  const [first] = holds;
  if (first === undefined) return 'a lock that others are about to acquire';
  return `${first.name}, which ${JSON.stringify(first.holder)} holds`;
}

function misfit(pointer: string, detail: string): ProblemError {
  return new ProblemError('validation-failed', `${pointer}: ${detail}`, { errors: [{ pointer, detail }] });
}

function lostLock(name: string, token: number): ProblemError {
  return new ProblemError(
    'lock-lost',
    `expected ${name} to be held with token ${token}, got one that was released or has expired`,
  );
}
