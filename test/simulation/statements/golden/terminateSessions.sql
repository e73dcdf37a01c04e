select case when (login.rolsuper is not true or current_setting('is_superuser') = 'on')
             and (pg_has_role(current_user, a.usesysid, 'usage') or pg_has_role(current_user, 'pg_signal_backend',
               'usage'))
            then pg_terminate_backend(a.pid, 1000) end as ended
  from pg_stat_activity a left join pg_roles login on login.oid = a.usesysid
 where a.datname = current_database() and a.application_name = $1 and a.pid <> pg_backend_pid();
