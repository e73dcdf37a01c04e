// A schedule that follows another one, and successes of that one as the end of a run writes them.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Database } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { Slot, TenantId } from '#kernel/ids.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { findSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import { createSchedule } from '#scheduling/schedules/schedules.js';

export const HOUR_MS = 3_600_000;

export type Owner = { id: TenantId; slot: Slot };

export async function addSchedule(db: Database, of: Owner, spec: ScheduleSpec): Promise<Schedule> {
  const wanted = { name: `s-${randomUUID()}`, jobType: 'noop', payload: {}, by: 'test', spec };
  const created = await createSchedule(db, of, wanted);
  if (created.kind !== 'created') expect.unreachable(`expected a schedule, got ${created.kind}`);
  return created.schedule;
}

export async function addPair(db: Database, of: Owner): Promise<{ followed: Schedule; follower: Schedule }> {
  const anchorAt = new Date(Date.now() + HOUR_MS);
  const followed = await addSchedule(db, of, { kind: 'every', seconds: 86_400, anchorAt });
  const spec = { kind: 'follow', schedule: followed.name, seconds: 0 } as const;
  return { followed, follower: await addSchedule(db, of, spec) };
}

export async function succeed(
  db: Database,
  { id, tenantId, slot }: Schedule,
  finishedAt: readonly Date[],
): Promise<void> {
  await sql`
    insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, attempt, created_at, outcome, finished_at)
    select f.id, ${tenantId}, ${slot}, 'noop', ${id}, f.at, '{}', 0, f.at, 1, f.at, 'succeeded', f.at
      from unnest(${finishedAt.map(() => randomUUIDv7())}::uuid[], ${[...finishedAt]}::timestamptz[]) as f (id, at)`.execute(
    db,
  );
}

export async function nextDueOf(
  db: Database,
  { tenantId, name }: Schedule,
): Promise<Date | null | undefined> {
  return (await findSchedule(db, { tenantId, name }))?.nextDueAt;
}
