// What can the holder of a lease do? Send heartbeats, and end it: complete, fail, snooze, release or cancel the run.
// The token in the path is the only key that it needs. Repeating the call that ended the lease gets the same answer;
// any other ending after it gets "lease lost". A heartbeat or log lines keep the lease in any case.
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { systemClock, systemRandom } from '#database/runtime/system-clock.js';
import { findEnd, noteProgress, type LeaseAnswer } from '#execution/leases/lease-end.repository.js';
import { endLease, type LeaseEnding, type LeaseEndRequest } from '#execution/leases/lease-ends.js';
import type { AttemptError } from '#execution/runs/decisions/run-transition.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { beatLease } from '#execution/leases/lease.repository.js';
import { findPreviousFire } from '#execution/runs/previous-fire.repository.js';
import { findRun } from '#execution/runs/run-pages.repository.js';
import { encodeJson } from '#execution/runs/stored-json.js';
import type { LeaseId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { LoopTimers } from '../../loop-timers.js';
import { ReplicaService } from '../../replica/replica-service.js';
import type { ServerConfig } from '../../settings/config.js';
import { API_DATABASE, CONFIG } from '../../tokens.js';
import { CurrentTenant, LeaseHolder, WhileSuspended, WorkersToo } from '../access/auth.guard.js';
import { BodyTurn } from '../access/body-room.js';
import { readHeartbeat } from './heartbeat-body.js';
import { refuseCrowded } from '../job-types/job-check.js';
import { readLogLines } from './log-lines.js';
import { betweenParts, turnsFor, type NextTurn } from '../requests/body-turns.js';
import { LINES_TYPE } from '../requests/media-type.js';
import { ProblemError } from '../problems/problem.js';
import { ApiTenant } from '../requests/shapes.js';
import { lostLease, onceParked, unknownLease } from './young-lease.js';
import * as shapes from './worker.shapes.js';

/** Any text: one that is no token belongs to no lease. */
const tokenShape = z.string();

@ApiTags('leases')
@ApiBearerAuth()
@ApiSecurity({}) // or no key: the token in the path is enough
@ApiTenant()
@LeaseHolder()
@WorkersToo()
@WhileSuspended()
@Controller('api/v1/tenants/:tenant/worker/leases')
export class LeaseController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly tokens: LeaseTokens,
    private readonly checks: SchemaChecks,
    private readonly timers: LoopTimers,
    private readonly replica: ReplicaService,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  @Post(':token\\:heartbeat')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'sendLeaseHeartbeat',
    summary: 'Keep the lease, and learn whether the run was cancelled',
  })
  @ApiOkResponse({ standardSchema: shapes.beat })
  async heartbeat(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.heartbeatInput }) body: unknown,
  ) {
    // The heartbeat keeps the lease first, even when its contents are refused.
    const beat = await this.#beat(tenant, token);
    await turnsFor(body)?.();
    const { progress, detailsJson, dropped } = readHeartbeat(body);
    if (progress !== null || detailsJson !== null)
      await noteProgress(this.db, { ...beat, progress: shown(progress, beat.attempt), detailsJson });
    return {
      cancelRequested: beat.cancelRequested,
      leaseExpiresAt: beat.expiresAt,
      ...(dropped.length === 0 ? {} : { dropped }),
    };
  }

  @Post(':token\\:complete')
  @HttpCode(200)
  @ApiOperation({ operationId: 'completeLease', summary: 'End the run as succeeded' })
  @ApiOkResponse({ standardSchema: shapes.leaseEnd })
  async complete(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.completeInput }) { output }: shapes.CompleteInput,
  ) {
    return this.#end(tenant, token, { verb: 'complete', outputJson: encoded('/output', output) });
  }

  @Post(':token\\:fail')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'failLease',
    summary: 'End the attempt as failed',
    description: "The job type's retry policy decides whether there is another.",
  })
  @ApiOkResponse({ standardSchema: shapes.leaseEnd })
  async fail(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.failInput }) { error, retryable, retryAfterSeconds }: shapes.FailInput,
  ) {
    return this.#end(tenant, token, {
      verb: 'fail',
      error: withoutUndefined(error),
      fatal: !retryable,
      retryAfterMs: retryAfterSeconds === undefined ? null : retryAfterSeconds * 1_000,
    });
  }

  @Post(':token\\:snooze')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'snoozeLease',
    summary: 'Postpone the run',
    description: 'This is not a failure.',
  })
  @ApiOkResponse({ standardSchema: shapes.leaseEnd })
  async snooze(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.snoozeInput }) { seconds }: shapes.SnoozeInput,
  ) {
    return this.#end(tenant, token, { verb: 'snooze', delayMs: seconds * 1_000 });
  }

  @Post(':token\\:release')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'releaseLease',
    summary: 'Release the run to another worker',
    description: 'This is not a failure.',
  })
  @ApiOkResponse({ standardSchema: shapes.leaseEnd })
  async release(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.noInput }) _input: object,
  ) {
    return this.#end(tenant, token, { verb: 'release' });
  }

  @Post(':token\\:cancel')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'cancelLease',
    summary: 'End the run as cancelled',
    description: 'Nothing went wrong, but the work is no longer wanted.',
  })
  @ApiOkResponse({ standardSchema: shapes.leaseEnd })
  async cancel(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.cancelInput }) { error }: shapes.CancelInput,
  ) {
    return this.#end(tenant, token, {
      verb: 'cancel',
      error: error === undefined ? null : withoutUndefined(error),
    });
  }

  @Post(':token\\:previousFire')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'getPreviousFireOfLease',
    summary: "Learn which due time of the run's schedule ran before, and how many since then did not",
  })
  @ApiOkResponse({ standardSchema: shapes.previousFireAnswer })
  async previousFire(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.noInput }) _body: object,
  ) {
    const { runId } = await this.#beat(tenant, token);
    const run = await findRun(this.db, { tenantId: tenant.id, id: runId });
    if (run === undefined) throw lostLease('its run is gone');
    return { previousFire: await findPreviousFire(this.db, { tenantId: tenant.id, ...run }) };
  }

  @Post(':token/logs')
  @HttpCode(202)
  @ApiOperation({ operationId: 'addLogLines', summary: "Add lines to the run's log, one JSON object a line" })
  @ApiConsumes(LINES_TYPE)
  @ApiBody({ schema: { type: 'string' } })
  @ApiAcceptedResponse({ standardSchema: shapes.accepted })
  async log(
    @CurrentTenant() tenant: Tenant,
    @Param('token', { schema: tokenShape }) token: string,
    @Body({ schema: shapes.logInput }) body: unknown,
    @BodyTurn() nextTurn: NextTurn,
  ) {
    const { runId, attempt } = await this.#beat(tenant, token);
    const turn = betweenParts(nextTurn);
    const { lines, dropped } = await readLogLines(body, turn);
    const now = systemClock.now();
    for (const { message, level, time, fields } of lines) {
      await turn();
      const at = time === undefined ? now : lately(new Date(time), now);
      this.replica.noteLogLines([{ runId, attempt, at, level, message, fields }]);
    }
    return { lines: lines.length, ...(dropped.length === 0 ? {} : { dropped }) };
  }

  async #beat(tenant: Tenant, token: string) {
    const id = this.#leaseOf(token);
    const graceMs = this.config.CARILLON_STOP_GRACE_SECONDS * 1_000;
    const beat = await onceParked(this.timers, id, async () => {
      const found = await beatLease(this.db, { tenantId: tenant.id, id, graceMs });
      if (found !== undefined) return found;
      const end = await findEnd(this.db, { tenantId: tenant.id, id });
      if (end !== undefined) throw lostLease(`it ended with "${end.verb}"`);
      return undefined;
    });
    if (beat === undefined) throw unknownLease(id);
    return beat;
  }

  async #end(tenant: Tenant, token: string, request: LeaseEndRequest): Promise<LeaseAnswer> {
    const id = this.#leaseOf(token);
    if (request.verb === 'complete') refuseCrowded(this.checks, tenant);
    const ending = await onceParked(
      this.timers,
      id,
      async (): Promise<Exclude<LeaseEnding, { kind: 'unknown' }> | undefined> => {
        const { checks } = this;
        const found = await endLease(this.db, {
          tenantId: tenant.id,
          id,
          request,
          random: systemRandom,
          checks,
        });
        return found.kind === 'unknown' ? undefined : found;
      },
    );
    if (ending === undefined) throw unknownLease(id);
    if (ending.kind === 'lost') {
      this.#noteLate(request, ending);
      throw lostLease(`it ended with "${ending.verb}"`);
    }
    this.replica.wakeRunWaiters();
    // A retried run waits again, or a limit has room again.
    this.replica.hintWork([tenant.slot]);
    if (ending.hasReleased) this.replica.hintLocks();
    return ending.answer;
  }

  /** Finished work gets a line in the run's log, although its result is refused. */
  #noteLate(request: LeaseEndRequest, { verb, late }: LeaseEnding & { kind: 'lost' }): void {
    if (late === null || request.verb === 'release') return;
    const message = `"${request.verb}" came too late and was discarded: the lease had already ended with "${verb}"`;
    this.replica.noteLogLines([{ ...late, at: systemClock.now(), level: 'warn', message }]);
  }

  #leaseOf(token: string): LeaseId {
    const id = this.tokens.leaseOf(token);
    if (id === null) throw lostLease('there is no lease with this token');
    return id;
  }
}

function withoutUndefined({ stack, ...named }: shapes.ErrorInput): AttemptError {
  return stack === undefined ? named : { ...named, stack };
}

/** In the form in which a handler's progress is stored. */
function shown(progress: shapes.HeartbeatProgress | null, attempt: number): object | null {
  if (progress === null) return null;
  const { fraction, message = null } = progress;
  return { fraction, message, attempt, at: systemClock.now() };
}

/** The value as stored JSON. Throws a problem when it does not fit. */
function encoded(pointer: string, value: unknown): string {
  const result = encodeJson(value);
  if (result.kind === 'unfit') throw new ProblemError('payload-too-large', `${pointer}: ${result.reason}`);
  return result.json;
}

/** A line is kept by its time, and shown with a run that was made after it by this at most. */
const LINE_AGE_MS_MAX = 3_600_000;

/** Of a worker whose clock is wrong, the time that is nearest. */
function lately(said: Date, now: Date): Date {
  const oldestMs = now.getTime() - LINE_AGE_MS_MAX;
  return new Date(Math.min(Math.max(said.getTime(), oldestMs), now.getTime()));
}
