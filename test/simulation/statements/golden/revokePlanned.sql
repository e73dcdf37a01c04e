with revoked as (
  delete from carillon.run r
   where r.schedule_id = $1 and r.due_at > coalesce($2::timestamptz, '-infinity')
     and not exists (select 1 from carillon.claim c where r.id = any(c.run_ids))
     and not exists (select 1 from carillon.lease l where l.run_id = r.id)
     and exists (select 1 from carillon.fire f
                  where f.schedule_id = r.schedule_id and f.due_at = r.due_at and f.outcome = 'planned'
                    and coalesce(f.reason, '') not in ('backfill', 'retry')
                      and (f.jitter_ms is null or f.due_at > now()))
  returning r.id, r.due_at)
delete from carillon.fire f
 using revoked
 where f.schedule_id = $3 and f.due_at = revoked.due_at and f.run_id = revoked.id
returning f.due_at as "dueAt";

with revoked as (
  delete from carillon.run r
   where r.schedule_id = $1 and r.due_at > coalesce($2::timestamptz, '-infinity')
     and not exists (select 1 from carillon.claim c where r.id = any(c.run_ids))
     and not exists (select 1 from carillon.lease l where l.run_id = r.id)
     and exists (select 1 from carillon.fire f
                  where f.schedule_id = r.schedule_id and f.due_at = r.due_at and f.outcome = 'planned'
                    and coalesce(f.reason, '') not in ('backfill', 'retry'))
  returning r.id, r.due_at)
delete from carillon.fire f
 using revoked
 where f.schedule_id = $3 and f.due_at = revoked.due_at and f.run_id = revoked.id
returning f.due_at as "dueAt";
