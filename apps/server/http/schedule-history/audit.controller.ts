// Was any due time of a schedule lost, doubled or invented?
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import type { ServerConfig } from '../../settings/config.js';
import { API_DATABASE, CONFIG } from '../../tokens.js';
import { CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { ApiTenant, instant, instantInput } from '../requests/shapes.js';
import { spanOf } from '../runs/run.shapes.js';
import { nameOrId } from '../schedules/schedule.shapes.js';
import { Audits, type Audited } from './audits.js';
import { requireHistory } from './require-history.js';

const DAY_MS = 86_400_000;
/** Of each kind of finding. */
const SHOWN_MAX = 100;

const query = z
  .strictObject({
    from: instantInput.optional().describe('Inclusive; a day before `to` if there is none.'),
    to: instantInput.optional().describe('Exclusive; now if there is none.'),
  })
  .superRefine(spanOf('from', 'to'));

const finding = z.object({
  count: z.int(),
  dueTimes: z.array(instant).describe(`The first ${SHOWN_MAX}.`),
});

const verdict = z
  .object({
    isClean: z.boolean().describe('Nothing was lost, doubled or invented.'),
    text: z.string(),
    auditedFrom: instant.describe(
      'After `from` where what the schedule said then is not known any more, or the ledger not kept.',
    ),
    auditedUntil: instant.describe('Ask again from here on when the audit is not complete.'),
    isComplete: z.boolean(),
    outcomes: z.record(z.string(), z.int()).describe('The decided due times, by outcome.'),
    ahead: z.int().describe('Due times that are still to be planned.'),
    leftBehind: z.int().describe('Due times that passed in an outage, and are decided behind the present.'),
    kept: z
      .int()
      .describe('Rows of runs that their owner had claimed when the spec that asked for them was replaced.'),
    askedFor: z.int().describe('Rows that a request asked for.'),
    followed: z
      .int()
      .describe(
        'Rows of due times that follow from runs; those of the present `afterSuccessOf` are compared with the successes.',
      ),
    lost: finding.describe('Due times without a row, and successes that led to no due time.'),
    doubled: finding.describe('Due times with more than one run.'),
    invented: finding.describe('Rows without a due time.'),
  })
  .meta({ id: 'ScheduleAudit' });

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class AuditController {
  readonly #ledgerMs: number;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    @Inject(CONFIG) config: ServerConfig,
    private readonly audits: Audits,
  ) {
    this.#ledgerMs = config.CARILLON_FIRE_RETENTION_DAYS * DAY_MS;
  }

  @Get(':schedule\\:audit')
  @ApiOperation({
    operationId: 'auditSchedule',
    summary: 'Compute what should have been due, and compare it with the ledger',
    description:
      'Looks at 10,000 due times at most. Changes in between are taken into account. For a deleted schedule, give its id in the place of its name.',
  })
  @ApiOkResponse({ standardSchema: verdict })
  async audit(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: nameOrId }) name: string,
    @Query({ schema: query }) asked: z.output<typeof query>,
  ) {
    const scheduleId = await requireHistory(this.db, tenant, name);
    const now = await databaseTime(this.db);
    const to = asked.to === undefined ? now : new Date(asked.to);
    const wanted = asked.from === undefined ? to.getTime() - DAY_MS : Date.parse(asked.from);
    const from = new Date(Math.max(wanted, now.getTime() - this.#ledgerMs));
    return this.audits.act(tenant, turn, async () =>
      shown(await this.audits.of(this.db, { scheduleId, from, to: to > from ? to : from })),
    );
  }
}

function shown({ lost, doubled, invented, ...audited }: Audited) {
  const findings = { lost, doubled, invented };
  const wrong = Object.entries(findings).filter(([, dueTimes]) => dueTimes.length > 0);
  return {
    isClean: wrong.length === 0,
    text: textOf(audited, wrong),
    ...audited,
    ...Object.fromEntries(
      Object.entries(findings).map(([kind, dueTimes]) => [
        kind,
        { count: dueTimes.length, dueTimes: dueTimes.slice(0, SHOWN_MAX) },
      ]),
    ),
  };
}

function textOf(
  {
    outcomes: { planned = 0, ...decided },
    auditedFrom,
    auditedUntil,
    ahead,
    leftBehind,
    followed,
  }: Omit<Audited, 'lost' | 'doubled' | 'invented'>,
  wrong: readonly (readonly [string, readonly Date[]])[],
): string {
  const span = `from ${auditedFrom.toISOString()} until ${auditedUntil.toISOString()}`;
  if (wrong.length > 0)
    return `Of the due times ${span} ${wrong.map(([kind, dueTimes]) => `${dueTimes.length} were ${kind}`).join(' and ')}.`;
  const states = [
    `${Object.values(decided).reduce((sum, count) => sum + count, 0)} are decided`,
    ...(followed === 0 ? [] : [`${followed} follow from runs`]),
    ...(planned === 0 ? [] : [`${planned} are planned`]),
    ...(leftBehind === 0 ? [] : [`${leftBehind} were left behind and are decided later`]),
    ...(ahead === 0 ? [] : [`${ahead} are still ahead, without a row`]),
  ];
  return `No due time ${span} was lost, doubled or invented: ${states.join(', ')}.`;
}
