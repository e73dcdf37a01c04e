// Lists the schedules of a tenant that match a filter. Each condition is looked at for the rows of one tenant, along the
// index of its names, and for so many of them at once: a tenant has 10,000 schedules, unless an administrator says
// otherwise. An index of labels would be no quicker for so few, and would be written with each schedule.
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { TenantId } from '#kernel/ids.js';
import { isWaiting } from '#scheduling/following/waiting.repository.js';
import { readable } from './schedule-row.js';
import { columns, type Schedule } from './schedule.repository.js';

export interface ScheduleFilter {
  /** All of them; null for any value. */
  labels: readonly { key: string; value: string | null }[];
  state: 'active' | 'paused' | 'ended' | null;
  jobType: string | null;
  /** A part of the name, in any case. */
  nameHas: string | null;
}

export const EVERY_SCHEDULE: ScheduleFilter = { labels: [], state: null, jobType: null, nameHas: null };

/** How many rows one page looks at for those that match. */
export const SCHEDULES_LOOKED_AT = 10_000;

export function isEverySchedule({ labels, state, jobType, nameHas }: ScheduleFilter): boolean {
  return labels.length === 0 && state === null && jobType === null && nameHas === null;
}

/** Whether the row `schedule` matches. */
function matches({ labels, state, jobType, nameHas }: ScheduleFilter): RawBuilder<boolean> {
  const conditions = [
    ...labels.map(({ key, value }) =>
      value === null ? sql`schedule.labels ? ${key}` : sql`schedule.labels ->> ${key} = ${value}`,
    ),
    ...(jobType === null ? [] : [sql`schedule.job_type = ${jobType}`]),
    // Names have lower-case letters only.
    ...(nameHas === null ? [] : [sql`strpos(schedule.name, ${nameHas.toLowerCase()}) > 0`]),
    ...(state === null ? [] : [STATES[state]]),
  ];
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

const isEnded = sql`(schedule.next_due_at is null and ${isWaiting} is not true
  and not exists (select from carillon.fire f where f.schedule_id = schedule.id and f.outcome = 'planned' and f.due_at > now()))`;
const isPaused = sql`(schedule.state = 'paused' and coalesce(schedule.paused_until > clock_timestamp(), true))`;
const STATES = {
  ended: isEnded,
  paused: sql`${isPaused} and not ${isEnded}`,
  active: sql`not ${isPaused} and not ${isEnded}`,
} as const;

export async function listSchedules(
  db: Database,
  page: {
    tenantId: TenantId;
    filter: ScheduleFilter;
    afterName: string | null;
    /** No row beyond is looked at; null for all. */
    lastName: string | null;
    limit: number;
  },
): Promise<FittingPage<Schedule>> {
  const wanted = db
    .selectFrom('schedule')
    .select(columns)
    .where('tenant_id', '=', page.tenantId)
    .$if(page.afterName !== null, (query) => query.where('name', '>', page.afterName ?? ''))
    .$if(page.lastName !== null, (query) => query.where('name', '<=', page.lastName ?? ''))
    .where(matches(page.filter))
    .orderBy('name')
    .limit(page.limit);
  const { rows, isCut } = await readFitting(db, wanted);
  return { rows: rows.map(readable), isCut };
}

/** The name of the last schedule that a page with a filter looks at; null when it looks at all that are left. */
export async function lookedUntilName(
  db: Database,
  { tenantId, afterName }: { tenantId: TenantId; afterName: string | null },
): Promise<string | null> {
  const last = await db
    .selectFrom('schedule')
    .select('name')
    .where('tenant_id', '=', tenantId)
    .where('name', '>', afterName ?? '')
    .orderBy('name')
    .offset(SCHEDULES_LOOKED_AT - 1)
    .limit(1)
    .executeTakeFirst();
  return last?.name ?? null;
}

/** The names of those that match, at most so many, in the order in which schedules are locked: by id. */
export async function namesOfMatching(
  db: Database,
  { tenantId, filter, limit }: { tenantId: TenantId; filter: ScheduleFilter; limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('schedule')
    .select(['id', 'name'])
    .where('tenant_id', '=', tenantId)
    .where(matches(filter))
    .orderBy('name')
    .limit(limit)
    .execute();
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ name }) => name);
}
