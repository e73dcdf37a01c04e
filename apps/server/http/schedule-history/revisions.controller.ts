// The revisions of a schedule: who changed what, and when.
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { AWAITS_NOTHING } from '#scheduling/following/waiting.repository.js';
import { listRevisions, type Revision } from '#scheduling/revisions/revision.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { pageQuery, PageTokens } from '../answers/page-token.js';
import { ApiTenant, instant, pageOf } from '../requests/shapes.js';
import { nameOrId, showSchedule } from '../schedules/schedule.shapes.js';
import { requireHistory } from './require-history.js';
import { changesBetween, kindOf } from './revision-changes.js';

const revision = z
  .object({
    revision: z.int(),
    change: z.enum(['created', 'changed', 'paused', 'resumed']),
    at: instant,
    by: z
      .string()
      .nullable()
      .describe(
        'The key that asked for it, or carillon; null when that is not known, as of a change by SQL.',
      ),
    changes: z
      .array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() }))
      .nullable()
      .describe('Against the revision before; null when that one is not kept.'),
    deletedAt: instant.nullable().describe('When the schedule was deleted, in its last revision.'),
    deletedBy: z.string().nullable(),
  })
  .meta({ id: 'ScheduleRevision' });

const query = z.strictObject(pageQuery);

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class RevisionsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
  ) {}

  @Get(':schedule/revisions')
  @ApiOperation({
    operationId: 'listScheduleRevisions',
    summary: 'List what was changed of a schedule, when and by whom, newest first',
    description: 'For a deleted schedule, give its id in the place of its name.',
  })
  @ApiOkResponse({ standardSchema: pageOf(revision) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: nameOrId }) name: string,
    @Query({ schema: query }) { pageSize, pageToken }: z.output<typeof query>,
  ) {
    const scheduleId = await requireHistory(this.db, tenant, name);
    const filter = { revisionsOf: scheduleId };
    const token = this.pages.open(pageToken, filter);
    const before = token === null ? null : Number(token);
    const { rows, isCut } = await listRevisions(this.db, { scheduleId, before, limit: pageSize + 1 });
    const found = rows.map((row, index) => ({ row, before: rows[index + 1] ?? null }));
    // The one before it was too much for the page.
    if (isCut && found.length > 1) found.pop();
    return this.pages.page(found, {
      size: pageSize,
      isCut,
      filter,
      keyOf: ({ row }) => String(row.revision),
      show: showRevision,
    });
  }
}

function showRevision({ row, before }: { row: Revision; before: Revision | null }) {
  const { revision: number, updatedAt: at, by, deletedAt, deletedBy } = row;
  const [said, saidBefore] = [saidBy(row), before && saidBy(before)];
  const isFirst = number === 1;
  return {
    revision: number,
    change: kindOf(said, saidBefore ?? (isFirst ? null : said)),
    at,
    by,
    changes: isFirst ? [] : saidBefore && changesBetween(saidBefore, said),
    deletedAt,
    deletedBy,
  };
}

/** What a request can change. */
function saidBy(row: Revision): Record<string, unknown> {
  const { state, pausedUntil, pauseReason } = row;
  const shown = showSchedule({
    ...row,
    ...AWAITS_NOTHING,
    consecutiveFailures: 0,
    isPaused: false,
    plannedDueAt: null,
  });
  const {
    id: _id,
    name: _name,
    text: _text,
    pausedAt: _pausedAt,
    consecutiveFailures: _failures,
    nextDueAt: _nextDueAt,
    waitsFor: _waitsFor,
    createdAt: _createdAt,
    updatedAt: _updatedAt,
    revision: _revision,
    ...said
  } = shown;
  return { ...said, state, pausedUntil, pauseReason };
}
