-- Which queues of the user's pg-boss, and which handlers, may a tenant's own job types name? What an administrator has
-- listed; '*' is all. What tenants use already stays allowed, so that nothing stops working by this change: it stands in
-- the lists from now on, where an administrator sees it and can take it away.
alter table carillon.tenant
  add column allowed_queues text[] not null default '{}',
  add column allowed_handlers text[] not null default '{}';

update carillon.tenant t
   set allowed_queues = array(
         select distinct j.target ->> 'queue' from carillon.job_type j where j.tenant_id = t.id and j.kind = 'queue' order by 1),
       allowed_handlers = array(
         select distinct j.target ->> 'handler' from carillon.job_type j where j.tenant_id = t.id and j.kind = 'handler' order by 1)
 where exists (select from carillon.job_type j where j.tenant_id = t.id and j.kind in ('queue', 'handler'));
