// When would a schedule be due? Of a draft, before it is made, and of one that is there. Nothing is written.
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { validateSpec, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { specText } from '#scheduling/schedules/decisions/spec-text.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import type { Turn } from '../access/request-turns.js';
import { ApiTenant, instant, instantInput, orNull, orNullEach, resourceName } from '../requests/shapes.js';
import { inDigits } from '../answers/in-digits.js';
import { clockChangesInput } from './policies/clock-changes.shapes.js';
import { jitterSeconds, showStart, type Jitter } from './policies/jitter.shapes.js';
import { Previews } from './preview.js';
import { Counts } from './computing/counts.js';
import { requireCounted, requireReadableSpec, requireSchedule } from './require-schedule.js';
import { bounds, invalidSpec, oneSpec, specOf, timeZone } from './spec.shapes.js';

const COUNT_MAX = 1_000;
const COUNT_DEFAULT = 10;
const OF_RUNS = 'its due times follow from runs, so none can be shown ahead';

const after = instantInput.optional().describe('Only due times after this instant. Default: now.');
const draft = z.strictObject({
  spec: oneSpec,
  timeZone: orNull(timeZone).describe('IANA name, for cron and rrule. Default: UTC.'),
  clockChanges: orNull(clockChangesInput).describe('For cron with fixed hours.'),
  ...orNullEach(bounds),
  jitterSeconds: orNull(jitterSeconds),
  count: z.int().min(1).max(COUNT_MAX).default(COUNT_DEFAULT),
  after,
});
const span = z.strictObject({
  count: inDigits(z.int().min(1).max(COUNT_MAX)).default(COUNT_DEFAULT),
  after,
});

const preview = z
  .object({
    text: z.string().describe('The spec in words, without its bounds.'),
    dueTimes: z.array(
      z.object({
        dueAt: instant,
        startsAt: instant
          .nullable()
          .describe(
            'When its run starts: then, or later by the jitter. Null for a draft with a jitter, less than jitterSeconds later.',
          ),
        local: z.string().describe("As the clock of the schedule's zone shows it, with its offset."),
        clockSetSeconds: z
          .number()
          .nullable()
          .describe('How far that clock was set forward since the due time before, or back, below 0.'),
      }),
    ),
    isComplete: z
      .boolean()
      .describe(
        'False when more will come than were found in half a second: ask again with `after`, the last of these.',
      ),
  })
  .meta({ id: 'Preview' });

interface Asked {
  count: number;
  after?: string | undefined;
  jitter: Jitter;
  now: Date;
  tenant: Tenant;
  turn: Turn;
}

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant')
export class PreviewController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly previews: Previews,
    private readonly counts: Counts,
  ) {}

  @Post('schedules\\:preview')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'previewNewSchedule',
    summary: 'Show when a schedule would be due, without making it',
  })
  @ApiOkResponse({ standardSchema: preview })
  async draft(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Body({ schema: draft }) input: z.output<typeof draft>,
  ) {
    const now = await databaseTime(this.db);
    const given = specOf(input, now);
    const verdict = validateSpec(given.spec);
    if (!verdict.ok) throw invalidSpec(verdict);
    const jitter = { seconds: input.jitterSeconds };
    return this.#show(() => requireCounted(this.counts, given, { db: this.db, tenant }), {
      ...input,
      jitter,
      now,
      tenant,
      turn,
    });
  }

  @Get('schedules/:schedule\\:preview')
  @ApiOperation({
    operationId: 'previewSchedule',
    summary: 'Show when a schedule will be due, were it neither paused nor changed',
  })
  @ApiOkResponse({ standardSchema: preview })
  async stored(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Query({ schema: span }) query: z.output<typeof span>,
  ) {
    const schedule = await requireSchedule(this.db, tenant, name);
    const spec = requireReadableSpec(schedule);
    return this.#show(() => Promise.resolve(spec), {
      ...query,
      jitter: { ms: schedule.jitterMs },
      now: await databaseTime(this.db),
      tenant,
      turn,
    });
  }

  async #show(
    specOfDraft: () => Promise<ScheduleSpec>,
    { count, after: given, jitter, now, tenant, turn }: Asked,
  ) {
    const from = given === undefined ? now : new Date(given);
    return this.previews.act(tenant, turn, async () => {
      const spec = await specOfDraft();
      const { dueTimes, isComplete } = await this.previews.previewOf(spec, { after: from, count });
      const shown = dueTimes.map((each) => ({ startsAt: showStart(each.dueAt, jitter), ...each }));
      const text = followsRuns(spec) ? `${specText(spec)}: ${OF_RUNS}` : specText(spec);
      return { text, dueTimes: shown, isComplete };
    });
  }
}
