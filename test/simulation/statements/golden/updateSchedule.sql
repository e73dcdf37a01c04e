update "carillon"."schedule"
set "job_type" = $1, "spec" = $2, "payload" = $3, "state" = $4, "next_due_at" = $5, "spec_since" = $6,
  "updated_at" = clock_timestamp(), "revision" = revision + 1
where "id" = $7
returning "id", "tenant_id" as "tenantId", "slot", "name", "job_type" as "jobType", "spec", "catch_up" as "catchUp",
  "payload", "queue", "concurrency_key" as "concurrencyKey", "tags", "priority",
  "deadline_seconds" as "deadlineSeconds", "state", "next_due_at" as "nextDueAt", "spec_since" as "specSince",
  "created_at" as "createdAt", "updated_at" as "updatedAt", "revision",
  (select min(f.due_at) from carillon.fire f where f.schedule_id = schedule.id and f.outcome = 'planned'
  and f.due_at > now()) as "plannedDueAt";
