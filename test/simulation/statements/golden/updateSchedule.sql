update "carillon"."schedule"
set "job_type" = $1, "spec" = $2, "payload" = $3, "state" = $4, "paused_at" = $5, "paused_until" = $6,
  "pause_reason" = $7, "next_due_at" = $8, "spec_since" = $9, "changed_by" = $10, "changed_in" = revision + 1,
  "updated_at" = clock_timestamp(), "revision" = revision + 1
where "id" = $11
returning "id", "tenant_id" as "tenantId", "slot", "name", "job_type" as "jobType", "spec", "catch_up" as "catchUp",
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
  and f.outcome = 'planned' and f.due_at > now()) as "plannedDueAt";
