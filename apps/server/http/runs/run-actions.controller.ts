// What can be done to existing runs? Cancel them before they have ended, and retry them afterwards: one by its id, or
// many by a filter.
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import { OPEN_STATES, type RunRow } from '#execution/runs/run-row.js';
import { RETRIABLE, retryEnded, type KeptOut } from '#execution/run-actions/retry-ended.js';
import {
  pickEnded,
  pickOpen,
  type EndedPlace,
  type RunFilter,
} from '#execution/run-actions/retry-ended.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, WhileSuspended, type LongStay } from '../access/auth.guard.js';
import { GateTurns } from '../access/tenant-turns.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { BulkTurns } from './bulk-turns.js';
import * as bulk from './run-actions.shapes.js';
import { run as runShape, showRun } from './run.shapes.js';
import { ApiTenant, uuid } from '../requests/shapes.js';

/** The likely wish: a cancelled run was cancelled for a reason. */
const RETRIED_BY_DEFAULT = ['failed', 'dead-lettered'] as const;

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant')
export class RunActionsController {
  readonly #bulk = new BulkTurns();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly replica: ReplicaService,
    private readonly gate: GateTurns,
  ) {}

  @Post('runs/:run\\:cancel')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'cancelRun',
    summary: 'Cancel a run',
    description:
      'A waiting run is cancelled at once; a handler in a replica is asked to stop within a second, a worker that pulls in the answer to its next heartbeat.',
  })
  @ApiOkResponse({ standardSchema: runShape })
  async cancel(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('run', { schema: uuid }) id: string,
  ) {
    const runId = asId.run(id);
    const asked = { tenantId: tenant.id, slot: tenant.slot, ids: [runId] };
    const { ended, requested } = await this.gate.act(tenant, turn, () => cancelRuns(this.db, asked));
    if (ended.length > 0) this.replica.wakeRunWaiters();
    if (requested.length > 0) this.replica.hintCancel();
    const found = await this.#find(tenant, runId);
    if (found.finishedAt !== null && found.state !== 'cancelled')
      throw invalidState(found, 'a run that has not ended');
    return showRun(found);
  }

  @Post('runs/:run\\:retry')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'retryRun',
    summary: 'Retry a failed, dead-lettered, cancelled or expired run, with all of its attempts',
  })
  @ApiOkResponse({ standardSchema: runShape })
  async retry(@CurrentTenant() tenant: Tenant, @Param('run', { schema: uuid }) id: string) {
    const runId = asId.run(id);
    const request = { tenantId: tenant.id, ids: [runId], outcomes: RETRIABLE };
    const { retried, keptOut } = await retryEnded(this.db, request);
    for (const one of keptOut) throw takenBy(one);
    const found = await this.#find(tenant, runId);
    if (retried.length === 0)
      throw invalidState(found, `a run whose state is one of ${RETRIABLE.join(', ')}`);
    this.replica.hintWork([tenant.slot]);
    return showRun(found);
  }

  @Post('runs\\:cancel')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({ operationId: 'cancelRuns', summary: 'Cancel all runs that match a filter' })
  @ApiOkResponse({ standardSchema: bulk.cancelledRuns })
  async cancelMany(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Body({ schema: bulk.bulkCancel }) { filter, expectedCount }: bulk.BulkCancel,
  ) {
    const states = filter.state === undefined ? OPEN_STATES : [filter.state];
    const wanted = await this.#filterOf(tenant, filter);
    const pick = (limit: number) => pickOpen(this.db, { ...wanted, states, limit });
    await expectCount(expectedCount, pick);
    const done = await this.#bulk.act(tenant.id, turn, async (limit) => {
      const ids = await pick(limit);
      const { ended, requested } = await cancelRuns(this.db, {
        tenantId: tenant.id,
        slot: tenant.slot,
        ids,
      });
      if (requested.length > 0) this.replica.hintCancel();
      return { found: ids.length, ended: ended.length, requested: requested.length };
    });
    return { cancelled: done.ended, requested: done.requested, more: done.isCutShort };
  }

  @Post('runs\\:retry')
  @HttpCode(200)
  @ApiOperation({ operationId: 'retryRuns', summary: 'Retry all ended runs that match a filter' })
  @ApiOkResponse({ standardSchema: bulk.retriedRuns })
  async retryMany(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Body({ schema: bulk.bulkRetry }) { filter, expectedCount }: bulk.BulkRetry,
  ) {
    const outcomes = filter.state === undefined ? RETRIED_BY_DEFAULT : [filter.state];
    const wanted = await this.#filterOf(tenant, filter);
    let after: EndedPlace | null = null;
    const pick = (limit: number) => pickEnded(this.db, { ...wanted, outcomes, after, limit });
    await expectCount(expectedCount, pick);
    const skippedRuns: KeptOut[] = [];
    const done = await this.#bulk.act(tenant.id, turn, async (limit) => {
      const places = await pick(limit);
      after = places.at(-1) ?? null;
      const ids = places.map(({ id }) => id);
      const { retried, keptOut } = await retryEnded(this.db, { tenantId: tenant.id, ids, outcomes });
      skippedRuns.push(...keptOut.slice(0, bulk.SKIPPED_SHOWN - skippedRuns.length));
      return { found: ids.length, ended: retried.length, passedOver: keptOut.length };
    });
    if (done.ended > 0) this.replica.hintWork([tenant.slot]);
    return {
      retried: done.ended,
      skipped: done.passedOver,
      skippedRuns: skippedRuns.map((one) => ({
        id: one.id,
        reason: takenBy(one).message,
        heldBy: one.holder,
      })),
      more: done.isCutShort,
    };
  }

  async #filterOf(tenant: Tenant, filter: bulk.BulkFilter): Promise<RunFilter> {
    const { schedule: name } = filter;
    const schedule = name === undefined ? null : await findSchedule(this.db, { tenantId: tenant.id, name });
    if (schedule === undefined) throw notFound('schedule', name ?? '');
    return {
      tenantId: tenant.id,
      jobType: filter.jobType ?? null,
      queue: filter.queue ?? null,
      tag: filter.tag ?? null,
      scheduleId: schedule?.id ?? null,
      createdAfter: instantOf(filter.createdAfter),
      createdBefore: instantOf(filter.createdBefore),
      asOf: await databaseTime(this.db),
    };
  }

  async #find(tenant: Tenant, id: RunId): Promise<RunRow> {
    const found = await findRun(this.db, { tenantId: tenant.id, id });
    if (found === undefined) throw notFound('run', id);
    return found;
  }
}

async function expectCount(
  expected: number | undefined,
  pick: (limit: number) => Promise<readonly unknown[]>,
): Promise<void> {
  if (expected === undefined) return;
  const { length: matching } = await pick(expected + 1);
  if (matching === expected) return;
  const got = matching > expected ? `more than ${expected}` : String(matching);
  throw new ProblemError('invalid-state', `expected ${expected} runs to match the filter, got ${got}`);
}

function takenBy({ id, key, holder }: KeptOut): ProblemError {
  const detail =
    key === null
      ? `expected run ${id} to be the one of its due time, got run ${holder}, which was made for it since`
      : `expected the unique key of run ${id} to be free, got ${JSON.stringify(key)}, which run ${holder} holds`;
  return new ProblemError('already-exists', detail, { run: holder });
}

function invalidState({ id, state }: RunRow, wanted: string): ProblemError {
  return new ProblemError('invalid-state', `expected ${wanted}, got run ${id}, which is ${state}`, {
    currentState: state,
  });
}

function instantOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}
