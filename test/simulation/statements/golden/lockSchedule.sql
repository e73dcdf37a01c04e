select "id", "tenant_id" as "tenantId", "slot", "name", "job_type" as "jobType", "spec", "catch_up" as "catchUp",
  "payload", "queue", "concurrency_key" as "concurrencyKey", "tags", "priority",
  "deadline_seconds" as "deadlineSeconds", "jitter_seconds" as "jitterSeconds", "jitter_ms" as "jitterMs",
  "pause_after_failures" as "pauseAfterFailures", "locks", "labels", "state", "paused_at" as "pausedAt",
  "paused_until" as "pausedUntil", "pause_reason" as "pauseReason", "next_due_at" as "nextDueAt",
  "spec_since" as "specSince", "source", "removed_from_code_at" as "removedFromCodeAt", "created_at" as "createdAt",
  "updated_at" as "updatedAt", "revision", coalesce((schedule.spec ->> 'kind' in ('delay', 'follow')
  and coalesce(schedule.spec ->> 'endAt' > to_char(clock_timestamp() at time zone 'UTC',
  'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') collate "C", true)), false) as "isWaiting",
  case when schedule.spec ->> 'kind' = 'delay' then ( select r.id from carillon.run r where r.schedule_id = schedule.id
  and r.due_at is not null order by r.id limit 1) end as "awaitedRunId", carillon.consecutive_failures(schedule.id,
  schedule.failures_since) as "consecutiveFailures", state = 'paused' and coalesce(paused_until > clock_timestamp(),
  true) as "isPaused", (select min(f.due_at) from carillon.fire f where f.schedule_id = schedule.id
  and f.outcome = 'planned' and f.due_at > now()) as "plannedDueAt"
from "carillon"."schedule"
where "tenant_id" = $1 and "name" = $2
for update;
