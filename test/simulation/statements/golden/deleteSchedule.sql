with said as (
  insert into carillon.schedule_revision (schedule_id, revision, tenant_id, said, payload, ended_at, is_deleted,
    deleted_by)
  select id, revision, tenant_id, to_jsonb(s) - 'payload', payload, $1, true, $2 from carillon.schedule s where id = $3)
delete from carillon.schedule where id = $4;
