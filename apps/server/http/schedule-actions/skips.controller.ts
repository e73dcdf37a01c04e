// The route that skips the next due times of a schedule. They are found before any lock is taken, since finding those of
// a rare kind takes long; where the schedule has changed meanwhile, they are found again.
import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { isLockTimeout } from '#database/error-kind.js';
import { databaseTime } from '#database/time.repository.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { knownAhead } from '#scheduling/following/waiting.repository.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { countSkippedAhead } from '#scheduling/schedules/skip.repository.js';
import { skipNext, type SkipResult } from '#scheduling/schedules/skips.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import type { Turn } from '../access/request-turns.js';
import { GateTurns } from '../access/tenant-turns.js';
import { notFound, ownerHangs } from '../problems/problem.js';
import { ApiTenant, instant, resourceName } from '../requests/shapes.js';
import { answerWith } from '../schedules/change-answers.js';
import { Previews } from '../schedules/preview.js';
import { requireReadableSpec, requireSchedule } from '../schedules/require-schedule.js';
import { tooManyChanges } from '../schedules/schedule-edits.js';
import { schedule as scheduleShape } from '../schedules/schedule.shapes.js';

const COUNT_MAX = 100;
/** Of requests that race for the same due times, one comes first each time. */
const TRIES_MAX = 10;

const skipInput = z
  .strictObject({
    count: z.int().min(1).max(COUNT_MAX).default(1).describe('How many of the next due times. Default: 1.'),
  })
  .prefault({});

const skipped = z
  .object({
    skipped: z
      .array(instant)
      .describe('Fewer than asked for when no more will come, or an owner has claimed the run of one.'),
    schedule: scheduleShape,
  })
  .meta({ id: 'SkippedDueTimes' });

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class SkipsController {
  constructor(
    private readonly replica: ReplicaService,
    private readonly gate: GateTurns,
    private readonly previews: Previews,
  ) {}

  @Post(':schedule\\:skipNext')
  @Idempotent()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'skipNextDueTimes',
    summary: 'Skip the next due times of a schedule, also of a paused one',
    description: 'The ledger has them at once.',
  })
  @ApiOkResponse({ standardSchema: skipped })
  async skipNext(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: skipInput }) { count }: z.output<typeof skipInput>,
    @Writes() { db, afterwards }: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      const act = () => this.#try(tenant, { name, count, turn, db });
      const result = await (db.isTransaction ? act() : this.gate.act(tenant, turn, act));
      if (result.kind === 'not-found') throw notFound('schedule', name);
      if (result.kind === 'outrun') continue;
      afterwards(() => this.replica.hintPlan());
      return { skipped: result.dueTimes, schedule: answerWith(result.schedule, response) };
    }
    throw tooManyChanges();
  }

  async #try(
    tenant: Tenant,
    { name, count, turn, db }: { name: string; count: number; turn: Turn; db: Database },
  ): Promise<SkipResult> {
    const current = await requireSchedule(db, tenant, name);
    const spec = requireReadableSpec(current);
    const wanted = count + (await countSkippedAhead(db, current.id));
    const after = await databaseTime(db);
    const find = () => findAhead(this.previews, { ...current, spec }, { db, after, count: wanted });
    // With a transaction in hand a request must not wait for others of its tenant, which may need its session.
    const { ahead, isComplete } = await (db.isTransaction ? find() : this.previews.act(tenant, turn, find));
    const ref = { tenant, name, revision: current.revision };
    // One that has found fewer than it may, since finding them took too long, skips those.
    const skips = { count, ahead, areAll: !isComplete || ahead.length < wanted };
    return skipNext(db, ref, skips).catch((error: unknown) => {
      throw isLockTimeout(error) ? ownerHangs() : error;
    });
  }
}

/** Of those that follow from runs, what is known by now. */
async function findAhead(
  previews: Previews,
  schedule: Schedule & { spec: ScheduleSpec },
  { db, after, count }: { db: Database; after: Date; count: number },
): Promise<{ ahead: Date[]; isComplete: boolean }> {
  const { spec, id, tenantId } = schedule;
  if (followsRuns(spec))
    return { ahead: await knownAhead(db, { id, tenantId, after, limit: count }), isComplete: true };
  const { dueTimes, isComplete } = await previews.previewOf(spec, { after, count });
  return { ahead: dueTimes.map(({ dueAt }) => dueAt), isComplete };
}
