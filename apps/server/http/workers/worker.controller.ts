// What can workers outside of the replicas do? Register with the job types that they run, take leases of runs, and
// ask whether to go on. The calls about a lease are in lease.controller.ts.
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { WorkerState } from '#database/tables/lease-schema.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { DEFAULT_LEASE_SECONDS, DEFAULT_TIMEOUT_MS } from '#execution/job-types/job-type.js';
import { wholeMs } from '#execution/job-types/retry-in-seconds.js';
import { findJobType } from '#execution/job-types/job-type.repository.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import type { TakenLease } from '#execution/leases/lease.repository.js';
import * as workers from '#execution/leases/worker.repository.js';
import { asId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import {
  CurrentStay,
  CurrentTenant,
  WhileSuspended,
  WorkersToo,
  type LongStay,
} from '../access/auth.guard.js';
import { JobCheck } from '../job-types/job-check.js';
import { requireSemaphores } from '../job-types/lock-check.js';
import { LeaseWaiters } from './lease-waiters.js';
import { PageTokens } from '../answers/page-token.js';
import { invalidField, notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, pageOf, uuid } from '../requests/shapes.js';
import { showKey } from '../runs/keys/key-options.shapes.js';
import { countJobTypesNamed } from '../access/tenant-counts.repository.js';
import { requireRoom, TenantShares } from '../access/tenant-shares.js';
import * as shapes from './worker.shapes.js';

/** A worker that is silent for a day is forgotten. At this pace it also learns soon that it should stop. */
const HEARTBEAT_SECONDS = 10;

@ApiTags('workers')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/worker')
export class WorkerController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly tokens: LeaseTokens,
    private readonly waiters: LeaseWaiters,
    private readonly check: JobCheck,
    private readonly shares: TenantShares,
  ) {}

  @Get('workers')
  @ApiOperation({ operationId: 'listWorkers', summary: 'List the workers that pull, newest first' })
  @ApiOkResponse({ standardSchema: pageOf(shapes.worker) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: shapes.workersQuery }) query: shapes.WorkersQuery,
  ) {
    const filter = { workersOf: tenant.id };
    const { rows, isCut } = await workers.listWorkers(this.db, {
      tenantId: tenant.id,
      beforeId: this.pages.open(query.pageToken, filter),
      limit: query.pageSize + 1,
    });
    return this.pages.page(rows, {
      size: query.pageSize,
      isCut,
      filter,
      keyOf: (row) => row.id,
      show: (row) => row,
    });
  }

  @Post('workers\\:register')
  @WorkersToo()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'registerWorker',
    summary: 'Register a worker that pulls runs',
    description: 'Missing job types are created.',
  })
  @ApiOkResponse({ standardSchema: shapes.registeredWorker })
  async register(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.workerInput }) input: shapes.WorkerInput,
  ) {
    // All schemas are checked before the first row is written.
    for (const [index, { payloadSchema = null }] of input.jobTypes.entries())
      await this.check.requireSchemas(tenant, { payloadSchema }, ['jobTypes', index]);
    const { name, concurrency, labels } = input;
    const jobTypes = input.jobTypes.map((jobType) => jobType.name);
    const id = asId.worker(randomUUIDv7());
    await inTransaction(this.db, async (tx) => {
      await requireRoom(tx, tenant, { name: 'maxWorkers' });
      const names = new Set(jobTypes);
      const known = await countJobTypesNamed(tx, tenant.id, [...names]);
      await requireRoom(tx, tenant, { name: 'maxJobTypes', adds: names.size - known });
      for (const [index, jobType] of input.jobTypes.entries())
        await registerJobType(tx, tenant, { jobType, index });
      await workers.insertWorker(tx, { id, tenantId: tenant.id, name, jobTypes, concurrency, labels });
    });
    return { workerId: id, heartbeatSeconds: HEARTBEAT_SECONDS };
  }

  @Post('leases\\:acquire')
  @WhileSuspended()
  @WorkersToo()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'acquireLeases',
    summary: 'Take leases of runs',
    description: 'With `waitSeconds`, wait for the first one.',
  })
  @ApiOkResponse({ standardSchema: shapes.acquired })
  async acquire(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.acquireInput }) input: shapes.AcquireInput,
    @Res({ passthrough: true }) response: Response,
    @CurrentStay() stay: LongStay,
  ) {
    const { workerId, jobTypes, max, requestId, waitSeconds } = input;
    const acquisition = await this.waiters.acquire(
      {
        tenantId: tenant.id,
        worker: asId.worker(workerId),
        requestId,
        jobTypes: [...new Set(jobTypes)],
        max,
      },
      {
        ms: waitSeconds * 1_000,
        hungUp: (then) => (response.closed ? then() : response.once('close', then)),
        stay,
        hold: (wait) => this.shares.whileHeld(tenant, 'maxAcquires', wait),
      },
    );
    if (acquisition.kind === 'unknown-worker') throw notFound('worker', workerId);
    if (acquisition.kind === 'other-request') throw requestIdReused(requestId);
    const leases = acquisition.kind === 'quiet' ? [] : acquisition.leases;
    return { leases: leases.map((lease) => this.#show(lease)) };
  }

  @Post('workers/:worker\\:heartbeat')
  @WhileSuspended()
  @WorkersToo()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'sendWorkerHeartbeat',
    summary: 'Report that the worker is alive, and learn whether it should go on',
  })
  @ApiOkResponse({ standardSchema: shapes.workerState })
  async heartbeat(@CurrentTenant() tenant: Tenant, @Param('worker', { schema: uuid }) worker: string) {
    const state = await workers.beatWorker(this.db, { tenantId: tenant.id, id: asId.worker(worker) });
    if (state === undefined) throw notFound('worker', worker);
    return { state };
  }

  @Post('workers/:worker\\:deregister')
  @WhileSuspended()
  @WorkersToo()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'deregisterWorker',
    summary: 'Report that the worker has ended',
    description: 'It takes no more runs and is no longer listed; its leases stay.',
  })
  @ApiOkResponse({ standardSchema: shapes.noOutput })
  async deregister(@CurrentTenant() tenant: Tenant, @Param('worker', { schema: uuid }) worker: string) {
    if (!(await workers.deleteWorker(this.db, { tenantId: tenant.id, id: asId.worker(worker) })))
      throw notFound('worker', worker);
    return {};
  }

  @Post('workers/:worker\\:run')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeWorker', summary: 'Let a quiet worker take runs again' })
  @ApiOkResponse({ standardSchema: shapes.workerState })
  async run(@CurrentTenant() tenant: Tenant, @Param('worker', { schema: uuid }) worker: string) {
    return this.#steer(tenant, worker, 'run');
  }

  @Post('workers/:worker\\:quiet')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({ operationId: 'quietWorker', summary: 'Let a worker finish its runs and take no more' })
  @ApiOkResponse({ standardSchema: shapes.workerState })
  async quiet(@CurrentTenant() tenant: Tenant, @Param('worker', { schema: uuid }) worker: string) {
    return this.#steer(tenant, worker, 'quiet');
  }

  @Post('workers/:worker\\:terminate')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({ operationId: 'terminateWorker', summary: 'Ask a worker to release its runs and to end' })
  @ApiOkResponse({ standardSchema: shapes.workerState })
  async terminate(@CurrentTenant() tenant: Tenant, @Param('worker', { schema: uuid }) worker: string) {
    return this.#steer(tenant, worker, 'terminate');
  }

  async #steer(tenant: Tenant, worker: string, state: WorkerState) {
    const id = asId.worker(worker);
    if (!(await workers.steerWorker(this.db, { tenantId: tenant.id, id, state })))
      throw notFound('worker', worker);
    return { state };
  }

  #show({ id, fencing, leaseMs, timeoutMs, runId, tags, ...run }: TakenLease) {
    return {
      token: this.tokens.tokenOf(id),
      fencingToken: fencing,
      leaseSeconds: leaseMs / 1_000,
      timeoutSeconds: timeoutMs / 1_000,
      run: {
        id: runId,
        tags: tags ?? [],
        ...run,
        concurrencyKey: showKey(run.concurrencyKey).concurrencyKey,
      },
    };
  }
}

function requestIdReused(requestId: string): ProblemError {
  return invalidField(
    '/requestId',
    `expected a new requestId, or the same jobTypes and max as when it was first sent, got ${JSON.stringify(requestId)} with other values while its leases are still held`,
  );
}

/** Values that the worker sends replace the stored ones; values that it omits stay. */
async function registerJobType(
  tx: Tx,
  tenant: Tenant,
  { jobType: given, index }: { jobType: shapes.PulledJobType; index: number },
): Promise<void> {
  const { name } = given;
  const known = await findJobType(tx, { tenantId: tenant.id, name });
  const target = known?.target ?? { kind: 'pull', leaseSeconds: DEFAULT_LEASE_SECONDS };
  if (target.kind !== 'pull') {
    const expected = `expected /jobTypes/${index}/name to be new or a job type that is pulled`;
    throw new ProblemError('invalid-state', `${expected}, got ${name}, whose kind is ${target.kind}`);
  }
  const {
    payloadSchema,
    leaseSeconds = target.leaseSeconds,
    retry,
    timeoutSeconds,
    locks,
    keyDefaults,
  } = given;
  await requireSemaphores(tx, tenant, { locks, pointer: `/jobTypes/${index}/locks` });
  await workers.registerPulledJobType(tx, tenant.id, {
    name,
    target: { kind: 'pull', leaseSeconds },
    retry: retry ?? known?.retry ?? DEFAULT_RETRY,
    locks: locks ?? known?.locks ?? [],
    timeoutMs:
      timeoutSeconds === undefined ? (known?.timeoutMs ?? DEFAULT_TIMEOUT_MS) : wholeMs(timeoutSeconds),
    payloadSchema: payloadSchema === undefined ? (known?.payloadSchema ?? null) : payloadSchema,
    keyDefaults: keyDefaults === undefined ? (known?.keyDefaults ?? null) : keyDefaults,
  });
}
